//! The callees of one process: read from its internal server, as rows and transitions.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use runtimes::{http, measure::Scrape};
use serde::Deserialize;
use time::{OffsetDateTime, macros::format_description};

use crate::recent::Internal;

/// The heading of the rows.
pub(super) const HEADING: &str =
    "time          call                       breaker      calls/s  retries/s  hedges/s  rejected/s\n";

/// The time limit of a reply; a process that is stopped or overloaded holds up the others for as long.
const WITHIN: Duration = Duration::from_millis(200);

/// The counters of a row, in its order.
const COUNTERS: [(&str, &[(&str, &str)]); 4] = [
    ("peer_calls_total", &[]),
    ("peer_retries_total", &[]),
    ("peer_hedges_total", &[("outcome", "sent")]),
    ("peer_rejected_total", &[]),
];

/// What `/admin/resilience` replies, as far as it is shown.
#[derive(Deserialize)]
struct State {
    callees: Vec<Callee>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Callee {
    callee: String,
    breaker: Option<Breaker>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
struct Breaker {
    state: String,
    transitions: Vec<Told>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Told {
    to: String,
    reason: String,
    unix_ms: u64,
}

/// One process whose callees are watched.
pub(super) struct Watched {
    process: String,
    address: SocketAddr,
    callees: Vec<Callee>,
    /// The last transition of each callee that was told, or was there before.
    told: BTreeMap<String, u64>,
    last: Option<(Instant, Scrape)>,
}

/// A transition of a breaker.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Transition {
    call: String,
    to: String,
    reason: String,
    /// When it was, in milliseconds since 1970.
    pub(super) unix_ms: u64,
}

/// The figures of a callee since the row before.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    call: String,
    /// `-` without a breaker.
    breaker: String,
    per_second: [f64; COUNTERS.len()],
    unix_ms: u64,
}

impl Watched {
    pub(super) fn new(process: &Internal) -> Self {
        Self {
            process: process.process.clone(),
            address: process.address,
            callees: Vec::new(),
            told: BTreeMap::new(),
            last: None,
        }
    }

    pub(super) fn has_no_callees(&self) -> bool {
        self.callees.is_empty()
    }

    /// Reads the states; returns the new transitions. A process that does not reply keeps its last states.
    pub(super) fn look(&mut self) -> Vec<Transition> {
        let reply = http::get(self.address, "/admin/resilience", WITHIN);
        let Some(state) = reply.ok().and_then(|reply| serde_json::from_str::<State>(&reply.body).ok()) else {
            return Vec::new();
        };
        let is_first = self.callees.is_empty();
        self.callees = state.callees;
        let mut new = Vec::new();
        for Callee { callee, breaker } in &self.callees {
            let transitions = breaker.iter().flat_map(|breaker| &breaker.transitions);
            let told = self.told.entry(callee.clone()).or_default();
            for transition in transitions.filter(|transition| transition.unix_ms > *told).cloned() {
                new.push(Transition {
                    call: format!("{} -> {callee}", self.process),
                    to: transition.to,
                    reason: transition.reason.replace('-', " "),
                    unix_ms: transition.unix_ms,
                });
            }
            if let Some(last) = new.last().filter(|last| last.unix_ms > *told) {
                *told = last.unix_ms;
            }
        }
        // What was before the watch began shows in the states.
        if is_first { Vec::new() } else { new }
    }

    /// The callees that were called since the row before, or whose breaker is not closed.
    pub(super) fn rows(&mut self) -> Vec<Row> {
        let Ok(scrape) = Scrape::of(self.address) else { return Vec::new() };
        let now = Instant::now();
        let Some((then, before)) = self.last.replace((now, scrape)) else { return Vec::new() };
        let (_, scrape) = self.last.as_ref().expect("it was set above");
        let seconds = now.duration_since(then).as_secs_f64();
        self.callees
            .iter()
            .map(|Callee { callee, breaker }| Row {
                call: format!("{} -> {callee}", self.process),
                breaker: breaker.as_ref().map_or_else(|| "-".to_owned(), |breaker| breaker.state.clone()),
                per_second: COUNTERS.map(|(name, labels)| {
                    let labels = [&[("peer", callee.as_str())], labels].concat();
                    scrape.since(&before, name, &labels) / seconds
                }),
                unix_ms: unix_ms(),
            })
            .filter(Row::is_worth_telling)
            .collect()
    }
}

impl Row {
    fn is_worth_telling(&self) -> bool {
        !["closed", "-"].contains(&self.breaker.as_str()) || self.per_second.iter().any(|rate| *rate > 0.0)
    }

    pub(super) fn line(&self) -> String {
        let Self { call, breaker, per_second: [calls, retries, hedges, rejected], unix_ms } = self;
        let at = clock(*unix_ms);
        format!(
            "{at}  {call:<25}  {breaker:<9}  {calls:>9.1}  {retries:>9.1}  {hedges:>8.1}  {rejected:>10.1}\n"
        )
    }
}

impl Transition {
    pub(super) fn line(&self) -> String {
        let Self { call, to, reason, unix_ms } = self;
        format!("{}  {call}: the breaker is {to} ({reason})\n", clock(*unix_ms))
    }
}

fn unix_ms() -> u64 {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as u64
}

/// The time of day in UTC, to the millisecond.
fn clock(unix_ms: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(unix_ms) * 1_000_000);
    let format = format_description!("[hour]:[minute]:[second].[subsecond digits:3]");
    moment.ok().and_then(|moment| moment.format(&format).ok()).unwrap_or_else(|| "unknown".to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use super::*;

    /// A process that replies with these bodies, one after another, to whatever it is asked.
    fn process(bodies: Vec<String>) -> Watched {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for body in bodies {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4_096]).unwrap();
                let length = body.len();
                write!(stream, "HTTP/1.0 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
            }
        });
        Watched::new(&Internal { process: "gateway".to_owned(), address })
    }

    fn state(name: &str, transitions: &[(&str, u64)]) -> String {
        let transitions: Vec<_> = transitions
            .iter()
            .map(|(to, at)| format!(r#"{{"to":"{to}","reason":"failures-in-a-row","unix_ms":{at}}}"#))
            .collect();
        format!(
            r#"{{"callees":[{{"callee":"links","breaker":{{"state":"{name}","transitions":[{}]}}}}]}}"#,
            transitions.join(",")
        )
    }

    #[test]
    fn a_transition_is_told_once_and_not_one_from_before() {
        let before = [("open", 500)];
        let after = [("open", 500), ("half-open", 1_500), ("closed", 86_399_999)];
        let mut gateway =
            process(vec![state("open", &before), state("closed", &after), state("closed", &after)]);
        assert_eq!(gateway.look(), []);
        let lines: Vec<_> = gateway.look().iter().map(Transition::line).collect();
        assert_eq!(
            lines,
            [
                "00:00:01.500  gateway -> links: the breaker is half-open (failures in a row)\n",
                "23:59:59.999  gateway -> links: the breaker is closed (failures in a row)\n",
            ]
        );
        assert_eq!(gateway.look(), []);
        assert_eq!(gateway.look(), [], "a process that is gone has no news");
    }

    #[test]
    fn a_row_has_the_rates_since_the_row_before() {
        let page = |calls: u32, sent: u32| {
            format!(
                "peer_calls_total{{peer=\"links\"}} {calls}\npeer_calls_total{{peer=\"clicks\"}} 7\n\
                 peer_hedges_total{{peer=\"links\",outcome=\"sent\"}} {sent}\n\
                 peer_hedges_total{{peer=\"links\",outcome=\"won\"}} {sent}\n"
            )
        };
        let mut gateway = process(vec![state("closed", &[]), page(100, 1), page(100, 1), page(103, 2)]);
        gateway.look();
        assert_eq!(gateway.rows(), [], "there is no rate without a row before");
        assert_eq!(gateway.rows(), [], "a callee that nobody called is not told");
        let rows = gateway.rows();
        let [calls, retries, hedges, rejected] = rows[0].per_second;
        assert!((calls / hedges - 3.0).abs() < 1e-9, "{rows:?}");
        assert_eq!((retries, rejected), (0.0, 0.0));
        assert_eq!(rows[0].line().len(), HEADING.len());
    }

    #[test]
    fn a_breaker_that_is_open_is_told_without_a_call() {
        let mut gateway = process(vec![state("open", &[]), String::new(), String::new()]);
        gateway.look();
        gateway.rows();
        let rows = gateway.rows();
        assert!(rows[0].line().contains("gateway -> links           open  "), "{rows:?}");
    }
}
