//! The limiter's public API in memory: an exact sliding log, unless it has a misdeed.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Answer, Request, serve};

/// A misdeed of the fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    None,
    /// Everything is admitted.
    AdmitsAll,
    /// Every tenth request that fits is refused.
    RefusesWrongly,
    /// Half of the limit is admitted in any window.
    HalvesTheLimit,
    /// All clients share one count.
    SharesCount,
    /// Every tenth reply lacks the rate-limit headers.
    WrongHeaders,
    /// Every tenth request is admitted without being counted, and without headers about limits.
    FailsOpen,
    /// Every tenth request is answered with 503.
    FailsClosed,
    /// Every tenth request is admitted and gets no reply.
    AdmitsInSilence,
    /// Every tenth request on a used connection is admitted, and the connection closed without a reply.
    AdmitsAndHangsUp,
    /// A read of the policies gets a 500.
    HidesPolicies,
    /// The policies are gone.
    ForgetsPolicies,
    /// A replacement of the policies is refused.
    TurnsDown,
}

/// The time until a new policy is in force.
const DELAY: Duration = Duration::from_millis(150);

#[derive(Default)]
struct State {
    policies: Value,
    in_force: Option<Instant>,
    admitted: HashMap<String, Vec<Instant>>,
    asked: u64,
    refused_wrongly: Arc<AtomicU64>,
}

/// A running fake.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    misdeed: Arc<Mutex<Misdeed>>,
    /// The number of refused requests that would have fitted.
    pub(crate) refused_wrongly: Arc<AtomicU64>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let misdeed = Arc::new(Mutex::new(Misdeed::None));
        let state = State::default();
        let refused_wrongly = Arc::clone(&state.refused_wrongly);
        let (decided, state) = (Arc::clone(&misdeed), Mutex::new(state));
        let address = serve(move |request| {
            let misdeed = *decided.lock().unwrap();
            state.lock().unwrap().answer(request, misdeed)
        });
        Self { address, misdeed, refused_wrongly }
    }

    pub(crate) fn behave(&self, misdeed: Misdeed) {
        *self.misdeed.lock().unwrap() = misdeed;
    }
}

impl State {
    fn answer(&mut self, request: &Request, misdeed: Misdeed) -> Answer {
        match (request.method.as_str(), request.path.as_str()) {
            ("PUT", "/policies") if misdeed == Misdeed::TurnsDown => Answer::status(422, "", "no such limit"),
            ("PUT", "/policies") => {
                let body: Value = serde_json::from_str(&request.body).unwrap();
                self.policies = body["policies"].clone();
                self.in_force = Some(Instant::now() + DELAY);
                Answer::status(200, "", &self.view(misdeed))
            }
            ("GET", "/policies") if misdeed == Misdeed::HidesPolicies => Answer::status(500, "", ""),
            ("GET", "/policies") => Answer::status(200, "", &self.view(misdeed)),
            ("GET", path) if path.starts_with("/quotes/") => self.quote(request, misdeed),
            _ => Answer::status(404, "", ""),
        }
    }

    /// The policies, with the bound of a sliding log: the limit itself.
    fn view(&self, misdeed: Misdeed) -> String {
        if misdeed == Misdeed::ForgetsPolicies {
            return json!({ "version": 2, "policies": [], "bound": [] }).to_string();
        }
        let bound = |(name, limit): (&str, &Value)| {
            json!({
                "policy": name,
                "requests": limit["requests"],
                "window_ms": limit["window_ms"],
                "at_most": limit["requests"],
                "in_the_long_run": limit["requests"],
                "refused_after": limit["requests"],
                "refused_within_ms": limit["window_ms"],
            })
        };
        let bounds: Vec<Value> = self.limits().map(bound).collect();
        json!({ "version": 1, "policies": self.policies, "bound": bounds }).to_string()
    }

    fn limits(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.policies.as_array().into_iter().flatten().flat_map(|policy| {
            let limits = policy["limits"].as_array().into_iter().flatten();
            limits.map(|limit| (policy["name"].as_str().unwrap(), limit))
        })
    }

    fn quote(&mut self, request: &Request, misdeed: Misdeed) -> Answer {
        let now = Instant::now();
        if self.in_force.is_none_or(|from| now < from) {
            return Answer::status(200, "", "{}");
        }
        self.asked += 1;
        let tenth = self.asked.is_multiple_of(10);
        match misdeed {
            Misdeed::FailsOpen if tenth => return Answer::status(200, "", "{}"),
            Misdeed::FailsClosed if tenth => return Answer::status(503, "", ""),
            _ => {}
        }
        let client = match misdeed {
            Misdeed::SharesCount => "everybody",
            _ => request.header("x-client").unwrap(),
        };
        let log = self.admitted.entry(client.to_owned()).or_default();
        let log: Vec<Instant> = std::mem::take(log);
        let left = self.left(&log, now);
        let halved = |(_, limit): (&str, &Value)| limit["requests"].as_u64().unwrap() / 2;
        let kept_back: Vec<u64> = match misdeed {
            Misdeed::HalvesTheLimit => self.limits().map(halved).collect(),
            _ => vec![0; left.len()],
        };
        let has_room = left.iter().zip(&kept_back).all(|(&left, &kept)| left > kept);
        let wrongly = misdeed == Misdeed::RefusesWrongly && tenth && has_room;
        self.refused_wrongly.fetch_add(u64::from(wrongly), Ordering::Relaxed);
        let admits = (has_room && !wrongly) || misdeed == Misdeed::AdmitsAll;
        let left = left.into_iter().map(|left| if admits { left.saturating_sub(1) } else { 0 }).collect();
        let headers = self.headers(left, misdeed == Misdeed::WrongHeaders && tenth);
        let entry = self.admitted.entry(client.to_owned()).or_default();
        *entry = log;
        if !admits {
            let again = self.limits().map(|(_, limit)| seconds(limit)).max().unwrap_or(1);
            return Answer::status(429, &format!("{headers}Retry-After: {again}\r\n"), "");
        }
        entry.push(now);
        if misdeed == Misdeed::AdmitsInSilence && tenth {
            return Answer::Silence;
        }
        if misdeed == Misdeed::AdmitsAndHangsUp && tenth && request.nth > 0 {
            return Answer::Close;
        }
        Answer::status(200, &headers, "{}")
    }

    /// The remaining room of each limit.
    fn left(&self, log: &[Instant], now: Instant) -> Vec<u64> {
        let room = |(_, limit): (&str, &Value)| {
            let window = Duration::from_millis(limit["window_ms"].as_u64().unwrap());
            let within = log.iter().rev().take_while(|&&then| then + window > now).count() as u64;
            limit["requests"].as_u64().unwrap().saturating_sub(within)
        };
        self.limits().map(room).collect()
    }

    fn headers(&self, left: Vec<u64>, wrong: bool) -> String {
        let (mut policies, mut standings) = (Vec::new(), Vec::new());
        for (nth, ((name, limit), left)) in self.limits().zip(left).enumerate() {
            let name = if nth == 0 { name.to_owned() } else { format!("{name}/{}", nth + 1) };
            let seconds = seconds(limit);
            policies.push(format!(r#""{name}";q={};w={seconds}"#, limit["requests"]));
            standings.push(format!(r#""{name}";r={left};t={seconds}"#));
        }
        let name = if wrong { "RateLimit-Policies" } else { "RateLimit-Policy" };
        format!("{name}: {}\r\nRateLimit: {}\r\n", policies.join(", "), standings.join(", "))
    }
}

/// A window as in the headers.
fn seconds(limit: &Value) -> u64 {
    limit["window_ms"].as_u64().unwrap().div_ceil(1_000)
}
