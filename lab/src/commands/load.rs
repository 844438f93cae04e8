//! `lab load`: load on a system that is up, wherever it came from.

mod answer;
mod expect;

use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use load::{
    journeys::{self, Check, JourneyOptions},
    record::SliceRecord,
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Sender, Target},
    steady::{self, Steady},
};

use self::expect::{Condition, Judged};
use crate::{
    cli::Outcome,
    complaint::{Complaint, did_you_mean},
    interrupt::Interrupt,
    output,
    scenario::ArrivalKind,
};

/// The most operations a second; a generator of this kind is not the tool for more.
const MAX_RATE: f64 = 1_000_000.0;

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab load --system shortener --url http://127.0.0.1:20000 --rate 500 --for 20s\n  lab load --system shortener --url http://127.0.0.1:20000 --closed 16 --for 10s   as fast as 16 users can go\n  lab load --system limiter --url http://127.0.0.1:20000 --rate 200 --for 5s --check   and what its ledger says\n  lab load --system plain --url http://127.0.0.1:8080 --rate 1000 --json           one GET, over and over\n  lab load --system plain --url http://127.0.0.1:8080 --rate 100 --for 30s --expect 'p99 < 50ms' --expect 'failed < 1%'   in CI\n\nOpen loop by default: operations are due by a schedule, whatever the replies, and latency is counted from when they\nwere due. A closed loop asks a slow system less often, and so hides what its users would feel.\n\nExit codes:\n  0  every condition holds; without `--expect`: something succeeded\n  1  a condition failed or too few operations tell of it, there was nothing to send, or `--check` found a broken promise\n     or could ask for nothing that was acknowledged\n  2  it could not run"
)]
pub struct Args {
    /// Whose operations: `shortener`, `limiter`, or `plain` for one GET
    #[arg(long, value_name = "NAME")]
    system: String,
    /// Where the public API is: `http://host:port`
    #[arg(long)]
    url: String,
    /// Operations a second
    #[arg(long, value_name = "N", required_unless_present = "closed", conflicts_with = "closed", value_parser = rate)]
    rate: Option<f64>,
    /// For how long: `20s`, `500ms`, `2m`
    #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = duration)]
    length: Duration,
    /// The mix of operations [default: the system's first]
    #[arg(long, value_name = "NAME")]
    mix: Option<String>,
    /// How many things exist before load begins
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    links: u64,
    /// Threads that send
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// Closed loop: this many operations are always under way
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=4096))]
    closed: Option<u16>,
    /// When operations are due
    #[arg(long, value_name = "KIND", default_value = "poisson", value_parser = arrivals)]
    arrivals: ArrivalKind,
    /// Connections, which is also the most operations in flight
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=16_384))]
    connections: u16,
    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    timeout: Duration,
    /// From which every random choice follows; one that this system has seen before repeats its operations, so that
    /// `--check` finds the clicks of both [default: another each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The path that `plain` asks for, with its query if it has one
    #[arg(long, value_name = "PATH", default_value = "/", value_parser = path)]
    path: String,
    /// The status that `plain` takes for success
    #[arg(long, value_name = "CODE", default_value_t = 200, value_parser = clap::value_parser!(u16).range(200..=599))]
    status: u16,
    /// Afterwards, ask the system whether it still holds everything that it acknowledged: seconds, and up to 75 s where
    /// a cache may serve what was deleted, or clicks are on their way. What cannot be asked is not broken; if
    /// nothing can be, the exit code is 1
    #[arg(long)]
    check: bool,
    /// What has to hold, or the exit code is 1: `p99 < 50ms`, `failed < 1%`; repeat it for more. Metrics are `p50`,
    /// `p90`, `p99`, `p99.9`, `max` (from the due time), `succeeded`, `refused`, `failed` (a number, or `%` of what was
    /// due) and `rate` (succeeded, a second). A percentile needs ten operations beyond it, or its condition fails: 20,
    /// 100, 1,000 and 10,000 operations [default: succeeded > 0]
    #[arg(long, value_name = "CONDITION")]
    expect: Vec<Condition>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Prepares the system, loads it, and prints what came of it; exit code 1 when a condition fails, or a check
    /// finds a broken promise or can ask for nothing.
    pub fn run(&self) -> Result<Outcome> {
        let seed = self.seed.unwrap_or_else(|| rand::random::<u32>().into());
        let mut sender = self.sender(seed)?;
        let interrupt = Interrupt::install()?;
        prepare(&mut sender, &interrupt)?;
        let record = self.load(&mut sender, seed, &interrupt)?;
        let verdict = self.check.then(|| sender.check(0, &Check::default()));
        let answer = answer::Answer::new(&record, self.rate, seed, verdict, self.judge(&record));
        output::data(&if self.json { answer.json()? } else { answer.table() })?;
        Ok(if answer.has_failed() { Outcome::ExpectationFailed } else { Outcome::Done })
    }

    /// Every condition, or that something succeeded if there is none.
    fn judge(&self, record: &SliceRecord) -> Vec<Judged> {
        let default = self.expect.is_empty().then(Condition::something_succeeded);
        self.expect.iter().chain(&default).map(|condition| condition.judge(record)).collect()
    }

    /// The sender, once it is sure that somebody listens at the address.
    fn sender(&self, seed: u64) -> Result<Sender> {
        let known = || load::journeys::SYSTEMS.iter().map(|entry| entry.name);
        if !known().any(|name| name == self.system) {
            let names: Vec<_> = known().collect();
            return Err(Complaint::new(format!("there is no system `{}`", self.system))
                .hint(did_you_mean(&self.system, names))
                .into());
        }
        let options = JourneyOptions {
            seed,
            mix: self.mix.clone(),
            links: usize::try_from(self.links).context("too many links")?,
            path: self.path.clone(),
            status: self.status,
        };
        let journeys = journeys::for_system(&self.system, &options)?;
        let target = Target::parse(&self.system, &self.url)?;
        target.probe()?;
        Ok(Sender::new(vec![Arm { target, journeys }], &self.limits())?)
    }

    fn limits(&self) -> Limits {
        Limits {
            connections: usize::from(self.connections.max(self.closed.unwrap_or(0))),
            timeout: self.timeout,
            ..Limits::default()
        }
    }

    fn load(&self, sender: &mut Sender, seed: u64, interrupt: &Interrupt) -> Result<SliceRecord> {
        let bar = bar("{wide_bar} {pos}/{len} s  {msg}", self.length.as_secs());
        let load = match (self.closed, self.rate) {
            (Some(in_flight), _) => Load::Closed { in_flight: usize::from(in_flight) },
            (None, rate) => Load::Open {
                arrivals: match self.arrivals {
                    ArrivalKind::Poisson => Arrivals::Poisson,
                    ArrivalKind::Constant => Arrivals::Constant,
                },
                profile: Profile::Steady { rate: rate.context("an open loop needs a rate")? },
                seed,
            },
        };
        let steady = Steady {
            load,
            length: self.length,
            threads: usize::from(self.threads),
            limits: self.limits(),
            traced: false,
        };
        let record = steady::run(sender, &steady, &mut |so_far| {
            bar.set_position(so_far.elapsed.as_secs());
            bar.set_message(format!(
                "{} done, {} refused, {} failed",
                so_far.succeeded, so_far.refused, so_far.failed
            ));
            !interrupt.is_asked()
        })?;
        bar.finish_and_clear();
        Ok(record)
    }
}

fn prepare(sender: &mut Sender, interrupt: &Interrupt) -> Result<()> {
    let bar = bar("preparing {wide_bar} {pos}/{len}", 0);
    let prepared = sender.prepare(0, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        !interrupt.is_asked()
    });
    bar.finish_and_clear();
    interrupt.check()?;
    Ok(prepared?)
}

/// A bar on standard error; hidden when that is not a terminal.
fn bar(template: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

fn rate(text: &str) -> Result<f64, Complaint> {
    text.parse().ok().filter(|rate| *rate > 0.0 && *rate <= MAX_RATE).ok_or_else(|| {
        Complaint::new(format!("expected operations a second, more than 0 and at most {MAX_RATE}"))
    })
}

fn arrivals(text: &str) -> Result<ArrivalKind, Complaint> {
    match text {
        "poisson" => Ok(ArrivalKind::Poisson),
        "constant" => Ok(ArrivalKind::Constant),
        _ => Err(Complaint::new("expected `poisson` (independent users) or `constant` (a metronome)")),
    }
}

/// The longest path: servers refuse a request line of much more.
const MAX_PATH: usize = 8_000;

/// What can stand in a request line (RFC 9112, 3.2.1): a blank or a line break would end it.
fn path(text: &str) -> Result<String, Complaint> {
    let wrong = |what: &str, hint: &str| Err(Complaint::new(what).hint(hint));
    if !text.starts_with('/') {
        return wrong("a path begins with `/`", "such as `/` or `/a?b=c`; the host stands in `--url`");
    }
    if text.contains('#') {
        return wrong("a fragment, from `#` on, is never sent", "leave it out, or write `#` as `%23`");
    }
    if let Some(found) = text.chars().find(|c| !c.is_ascii_graphic()) {
        let what = format!("{found:?} cannot stand in a path");
        return wrong(&what, "write its bytes in hexadecimal: a blank is `%20`, `é` is `%C3%A9`");
    }
    if text.len() > MAX_PATH {
        return wrong(&format!("a path of more than {MAX_PATH} bytes"), "servers refuse such a request line");
    }
    Ok(text.to_owned())
}

/// `500ms`, `20s`, `2m`, `1h`.
fn duration(text: &str) -> Result<Duration, Complaint> {
    let expected =
        || Complaint::new("expected a time such as `500ms`, `20s` or `2m`, more than 0 and at most `24h`");
    let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(expected)?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| expected())?;
    let milliseconds = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(expected()),
    };
    number
        .checked_mul(milliseconds)
        .filter(|&all| all > 0 && all <= 24 * 3_600_000)
        .map(Duration::from_millis)
        .ok_or_else(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_a_unit() {
        assert_eq!(duration("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(duration("2m").unwrap(), Duration::from_mins(2));
        for wrong in ["", "20", "s", "0s", "25h", "-1s", "1.5s", "99999999999999999999s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_is_what_a_request_line_takes() {
        for right in ["/", "/a/b?c=d&e=%20", "/%C3%A9", "/[x]|\"{}\\^`"] {
            assert_eq!(path(right).unwrap(), right);
        }
        let long = format!("/{}", "a".repeat(MAX_PATH));
        for wrong in [
            "",
            "a",
            "http://h/",
            "/a b",
            "/a\tb",
            "/a\r\nX: y",
            "/\n",
            "/a\0",
            "/é",
            "/a#b",
            "/\u{7f}",
            &long,
        ] {
            let told = path(wrong).unwrap_err().to_string();
            assert!(told.contains("\nhint: "), "{wrong}: {told}");
        }
    }

    #[test]
    fn a_rate_is_positive_and_bounded() {
        assert!(rate("0.5").is_ok());
        for wrong in ["0", "-3", "NaN", "inf", "1e9", "many"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
