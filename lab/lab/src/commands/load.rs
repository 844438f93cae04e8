//! `lab load`: load on a running system, however it was started.

mod answering;
mod expect;
mod figures;
mod values;

use std::{collections::BTreeMap, time::Duration};

use answering::Answering;
use anyhow::{Context, Result};
use figures::Figures;
use indicatif::{ProgressBar, ProgressStyle};
use load::{
    journeys::{
        self, Check, JourneyOptions, MAX_THINGS, OptionShape, SystemUnderTest,
        plain::{PATH, STATUS},
    },
    record::SliceRecord,
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Sender, Target},
    steady::{self, Steady},
};
use runtimes::interrupt::Interrupt;
use scenario::{
    ArrivalKind,
    diagnostic::{Diagnostic, did_you_mean},
    systems,
};
use values::{also, arrivals, path, rate};
pub(super) use values::{duration, option};

use self::expect::{Condition, Judged};
use crate::{outcome::Outcome, output};

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("load").required(true),
    after_help = "\
Examples:
  lab load --system shortener --url http://127.0.0.1:8080 --rate 500 --for 20s
  lab load --system limiter --url http://127.0.0.1:8080 --rate 200 --for 5s --check
  lab load --system shortener --url http://127.0.0.1:8080 --closed 16       as fast as 16 users go
  lab load --system plain --url http://127.0.0.1:8080 --rate 1000 --json    one GET, over and over
  lab load --system plain --url http://127.0.0.1:8080 --rate 100 --for 30s \\
    --expect 'p99 < 50ms' --expect 'failed < 1%'                            in CI

`lab up` starts a system and prints its URL.

Open loop by default: operations are due by a schedule, whatever the replies, and latency is
counted from when they were due. A closed loop asks a slow system less often, and so hides what
its users would feel.

Exit codes:
  0  every condition holds; without `--expect`: something succeeded
  1  a condition failed, or too few operations tell of it; there was nothing to send; `--check`
     found a broken promise, or could ask for nothing that was acknowledged
  2  it could not run"
)]
pub struct Args {
    /// What answers there: a system of `lab list`, or `plain`, any HTTP server
    #[arg(long, value_name = "NAME")]
    system: String,
    /// Where the public API is: `http://host:port`
    #[arg(long)]
    url: String,
    /// Where the part of the public API is whose paths begin like this, `/orders=http://host:port`; `{...}` is any one
    /// segment, as in `/orders/{order}/notices`, and the longest beginning counts. For a system whose clients call several
    /// processes; may be repeated
    #[arg(long, value_name = "PREFIX=URL", value_parser = also)]
    also: Vec<(String, String)>,
    /// Where another replica of the same public API is, `http://host:port`. For a system whose clients keep connections to
    /// several; may be repeated
    #[arg(long, value_name = "URL")]
    beside: Vec<String>,
    /// Open loop: so many operations a second are due
    #[arg(long, value_name = "N", group = "load", value_parser = rate)]
    rate: Option<f64>,
    /// Closed loop instead: this many operations are always in flight
    #[arg(long, value_name = "N", group = "load", value_parser = clap::value_parser!(u16).range(1..=4096))]
    closed: Option<u16>,
    /// For how long: `20s`, `500ms`, `2m`
    #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = duration)]
    length: Duration,
    /// Which operations: `lab show SYSTEM` lists the mixes [default: the system's first]
    #[arg(long, value_name = "NAME")]
    mix: Option<String>,
    /// How many links, clients or rooms exist before load begins [default: 10000, of rooms 100, or as many as a mix needs that takes
    /// each once]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MAX_THINGS))]
    links: Option<u64>,
    /// Threads that send
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    threads: u16,
    /// When operations of an open loop are due: `poisson` or `constant` [default: poisson]
    #[arg(long, value_name = "KIND", conflicts_with = "closed", value_parser = arrivals)]
    arrivals: Option<ArrivalKind>,
    /// Connections, which is also the most operations in flight
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=16_384))]
    connections: u16,
    /// How long one request may take
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = duration)]
    timeout: Duration,
    /// From which every random choice follows. One that this system has seen before repeats its operations, and
    /// `--check` then counts the clicks of both [default: another each time]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// An option of the system's own journeys, which `lab show SYSTEM` lists; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = option)]
    option: Vec<(String, String)>,
    /// The path that `plain` asks for, with its query if it has one [default: `/`]
    #[arg(long, value_name = "PATH", value_parser = path)]
    path: Option<String>,
    /// The status that `plain` takes for success [default: 200]
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(200..=599))]
    status: Option<u16>,
    /// Afterwards, ask the system for everything that it acknowledged, and count what is lost, doubled or wrong. Takes
    /// seconds, and up to 75 s while a cache may still serve what was deleted, or clicks are on their way. The exit code
    /// is 1 if a promise is broken, or nothing could be asked
    #[arg(long)]
    check: bool,
    /// What has to hold, or the exit code is 1; may be repeated: `p99 < 50ms`, `failed < 1%`. Metrics are `p50`,
    /// `p90`, `p99`, `p99.9` and `max` (latency from the due time), `succeeded`, `refused` and `failed` (a number, or
    /// `%` of what was due), and `rate` (succeeded, a second). A percentile needs ten operations beyond it, or its
    /// condition fails: p50 needs 20 operations, p90 100, p99 1,000, p99.9 10,000 [default: succeeded > 0]
    #[arg(long, value_name = "CONDITION")]
    expect: Vec<Condition>,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Prepares the system, loads it, and prints the results; exit code 1 if a condition fails, or if a check
    /// finds a broken promise or cannot check any.
    pub fn run(&self) -> Result<Outcome> {
        let seed = self.seed.unwrap_or_else(|| rand::random::<u32>().into());
        let system = self.system()?;
        let (mut sender, answering) = self.sender(system, seed)?;
        let interrupt = Interrupt::install()?;
        prepare(&mut sender, &interrupt).map_err(|error| answering.explain(error))?;
        let record = self.load(&mut sender, seed, &interrupt)?;
        let verdict = self.check.then(|| sender.check(0, &Check::default()));
        let figures = Figures::new(system, &record, self.rate, seed, verdict, self.judge(&record));
        output::data(&if self.json { figures.json()? } else { figures.table() })?;
        Ok(if figures.has_failed() { Outcome::ExpectationFailed } else { Outcome::Done })
    }

    /// Judges every condition; without conditions, that something succeeded.
    fn judge(&self, record: &SliceRecord) -> Vec<Judged> {
        let default = self.expect.is_empty().then(Condition::something_succeeded);
        self.expect.iter().chain(&default).map(|condition| condition.judge(record)).collect()
    }

    /// The system's journeys; fails if a flag has no meaning for them.
    fn system(&self) -> Result<&'static dyn SystemUnderTest> {
        let system = journeys::find(&self.system).ok_or_else(|| {
            let names: Vec<_> = journeys::systems().map(SystemUnderTest::name).collect();
            Diagnostic::new(format!("there is no system `{}`", self.system))
                .hint(did_you_mean(&self.system, names))
        })?;
        let lacks = |option: &OptionShape| system.option(option.name).is_none();
        let without_effect = [
            (
                "--path",
                self.path.is_some() && lacks(&PATH),
                "what is asked for is the system's own; `--mix` chooses",
            ),
            (
                "--status",
                self.status.is_some() && lacks(&STATUS),
                "which replies are right is the system's own",
            ),
            (
                "--links",
                self.links.is_some() && system.things().is_none(),
                "nothing is made before one path is asked for",
            ),
            (
                "--check",
                self.check && system.facts().is_empty(),
                "a server of which nothing is known has promised nothing",
            ),
        ];
        if let Some((flag, _, why)) = without_effect.into_iter().find(|(_, is_given, _)| *is_given) {
            let what = format!("`{flag}` has no meaning with `--system {}`: {why}", system.name());
            return Err(Diagnostic::new(what).hint(format!("leave `{flag}` out")).into());
        }
        Ok(system)
    }

    /// A sender, after checking that the address accepts connections and is not another system's.
    fn sender(&self, system: &dyn SystemUnderTest, seed: u64) -> Result<(Sender, Answering)> {
        let options = JourneyOptions {
            seed,
            mix: self.mix.clone(),
            things: usize::try_from(self.things(system)).context("too many links")?,
            own: self.own(system)?,
        };
        let journeys = journeys::journeys_of(system, &options)?;
        let first = Target::parse(system.name(), &self.url);
        let target = self.also.iter().fold(first, |target, (prefix, url)| target?.with_url(prefix, url));
        let target = self.beside.iter().fold(target, |target, url| target?.beside_url(url))?;
        target.probe()?;
        let answering = Answering::new(system, &target)?;
        Ok((Sender::new(vec![Arm { target, journeys }], &self.limits())?, answering))
    }

    /// The options of the system's own journeys.
    fn own(&self, system: &dyn SystemUnderTest) -> Result<BTreeMap<&'static str, String>> {
        let path = self.path.clone().map(|path| (PATH.name, path));
        let status = self.status.map(|status| (STATUS.name, status.to_string()));
        let mut own: BTreeMap<_, _> = path.into_iter().chain(status).collect();
        for (name, value) in &self.option {
            let option = systems::option(system.name(), name)
                .map_err(|(what, hint)| Diagnostic::new(what).hint(hint))?;
            own.insert(option.name, value.clone());
        }
        Ok(own)
    }

    /// The number of things to make.
    fn things(&self, system: &dyn SystemUnderTest) -> u64 {
        let mix = self.mix.as_deref().unwrap_or(system.mixes()[0].0);
        let needed = self.rate.and_then(|rate| system.needs(mix, rate * self.length.as_secs_f64()));
        self.links.or(needed).unwrap_or_else(|| system.usual_things())
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
                arrivals: match self.arrivals.unwrap_or_default() {
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

/// A progress bar on standard error; hidden if that is not a terminal.
fn bar(template: &str, length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
