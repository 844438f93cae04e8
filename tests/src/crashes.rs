//! A wiring whose processes are killed under load, and started again, and what the ledger says of it afterwards.

use std::{
    fmt::{self, Write as _},
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use design::BackingKind;
use load::ledger::{Breach, LedgerVerdict};
use runtimes::{arm::Victim, http, launch::Launch};
use scenario::{Fault, FaultKind, Target, systems::breaches_of};

use crate::{
    command::{Desk, Ended},
    edge_suite::eventually,
};

/// How often the processes are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The time limit for a process to serve again.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// How long a backing is away: longer than a saga waits for a reply before its timer sends the command again.
const IS_AWAY: Duration = Duration::from_secs(4);
/// The time limit for a point to be reached that the load has come to.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

/// A load on a wiring, and a check of its ledger.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The system.
    pub system: &'static str,
    /// The mix.
    pub mix: &'static str,
    /// How many of what the mix calls few, if it has any.
    pub few: Option<u32>,
    /// Operations a second.
    pub rate: u32,
    /// For so long.
    pub seconds: u32,
    /// Another for each load of a wiring.
    pub seed: usize,
}

/// What a check has found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The breaches of each kind, in the order of [`Breach::ALL`].
    pub breaches: [u64; 3],
    /// What the ledger says.
    pub verdict: LedgerVerdict,
}

impl Found {
    fn of(system: &str, ended: &Ended) -> Self {
        let figures: serde_json::Value =
            serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
        let verdict: LedgerVerdict =
            serde_json::from_value(figures["ledger"].clone()).expect("a checked load has a verdict");
        let sum = |kind| breaches_of(system, kind).into_iter().map(|fact| verdict.count(fact)).sum();
        Self { breaches: Breach::ALL.map(sum), verdict }
    }

    /// How often the ledger has counted this.
    pub fn count(&self, fact: &str) -> u64 {
        self.verdict.count(fact)
    }

    /// Whether there was something to lose, everything could be asked, and nothing is lost, doubled or wrong.
    pub fn is_whole(&self) -> bool {
        self.verdict.holds() && self.count("acknowledged") > 0
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [lost, doubled, wrong] = self.breaches;
        write!(f, "{lost} lost, {doubled} doubled")?;
        if wrong > 0 {
            write!(f, ", {wrong} wrong")?;
        }
        for fact in self.verdict.facts.iter().filter(|fact| fact.count > 0) {
            write!(f, ", {} {}", fact.name, fact.count)?;
        }
        write!(f, "; {:?}", self.verdict.examples)
    }
}

/// A wiring whose processes are killed and started again.
pub struct Crashing<'l> {
    launch: &'l mut Launch,
    program: &'static str,
    failpoints: PathBuf,
    /// The processes that have ended by themselves.
    pub ended: Vec<String>,
}

impl<'l> Crashing<'l> {
    /// The one arm of a launch; `program` is the lab's command.
    pub fn new(launch: &'l mut Launch, program: &'static str) -> Self {
        let failpoints = launch.arms[0].processes[0].process_config.with_file_name("failpoints");
        fs::create_dir_all(&failpoints).expect("a folder");
        Self { launch, program, failpoints, ended: Vec::new() }
    }

    /// The launch.
    pub fn launch(&self) -> &Launch {
        self.launch
    }

    /// Arms a failpoint: the next process that comes to it ends.
    pub fn arm(&self, point: &str) {
        fs::write(self.failpoints.join(point), []).expect("a file");
    }

    /// Whether a process has come to a point since it was armed; it is not armed any more.
    fn was_reached(&self, point: &str) -> bool {
        let _ = fs::remove_file(self.failpoints.join(point));
        fs::remove_file(self.failpoints.join(format!("{point}{}", backing::failpoint::REACHED))).is_ok()
    }

    /// Starts every process again that has ended.
    pub fn restart_ended(&mut self) {
        for death in self.launch.deaths() {
            self.launch.restart(&death.arm, &death.ended.process).expect("it starts again");
            self.ended.push(death.ended.process);
        }
    }

    /// Waits until each process serves.
    fn is_ready(&self) {
        for process in &self.launch.arms[0].processes {
            eventually(READY_WITHIN, &format!("`{}` is ready", process.name), || {
                let reply = http::get(process.internal, "/health/ready", READY_WITHIN).ok()?;
                (reply.status == 200).then_some(())
            });
        }
    }

    /// Loads the wiring and checks its ledger, as a user does it, when it is ready. While that goes on, processes that end are started again,
    /// and `during` is called with the time since its beginning.
    pub fn load(&mut self, load: &Load, mut during: impl FnMut(&mut Self, Duration)) -> Found {
        self.is_ready();
        let arm = &self.launch.arms[0];
        let mut words = format!(
            "load --system {} --url {} --mix {} --links 20 --rate {} --for {}s --seed {} --timeout 20s --check --json",
            load.system,
            arm.url(),
            load.mix,
            load.rate,
            load.seconds,
            load.seed,
        );
        if let Some(few) = load.few {
            let _ = write!(words, " --option few={few}");
        }
        // Further processes that serve all of the public API.
        for part in arm.parts.iter().skip(1).filter(|part| part.paths.is_empty()) {
            let _ = write!(words, " --beside http://{}", part.address);
        }
        let desk = Desk::new(self.program);
        let (mut command, began) = (desk.start(&words.split(' ').collect::<Vec<_>>()), Instant::now());
        while !command.has_ended() {
            self.restart_ended();
            during(self, began.elapsed());
            thread::sleep(LOOK_EVERY);
        }
        Found::of(load.system, &command.end())
    }

    /// The same while processes end at these points, which are armed in the middle of the load.
    ///
    /// Fails if one is not reached, or if anything else ends.
    pub fn crash(&mut self, points: &[&str], load: &Load) -> Result<Found, String> {
        self.crash_beside(points, load, None)
    }

    /// What a kill of a backing is done to.
    fn victim(&self, kind: BackingKind) -> Box<dyn Victim> {
        let (what, target) = (FaultKind::Kill, Target::Backing(kind));
        let fault = Fault { at: Duration::ZERO, lasts: IS_AWAY, what, target };
        let victim = self.launch.arms[0].runtime.victim(&fault).expect("it can be killed");
        victim.expect("a backing of the arm's own")
    }

    /// The same while a backing is away, which is killed then and started again some seconds later.
    pub fn crash_beside(
        &mut self,
        points: &[&str],
        load: &Load,
        away: Option<BackingKind>,
    ) -> Result<Found, String> {
        self.ended.clear();
        let middle = Duration::from_secs(u64::from(load.seconds)) / 3;
        let killed = away.map(|kind| self.victim(kind));
        let (mut is_armed, mut is_over) = (false, false);
        let found = self.load(load, |crashing, elapsed| {
            if !is_armed && elapsed >= middle {
                is_armed = true;
                if let Some(killed) = &killed {
                    killed.begin().expect("it stands still");
                    killed.complete().expect("it is killed");
                }
                for point in points {
                    crashing.arm(point);
                }
            }
            if !is_over && elapsed >= middle + IS_AWAY {
                is_over = true;
                if let Some(killed) = &killed {
                    killed.end().expect("it is started again");
                }
            }
        });
        let missed: Vec<_> = points.iter().filter(|point| !self.was_reached(point)).collect();
        if !missed.is_empty() {
            return Err(format!("never reached: {missed:?}"));
        }
        // The load may end before it is seen that the last of them has ended.
        eventually(REACHED_WITHIN, "every end is seen", || {
            self.restart_ended();
            (self.ended.len() >= points.len()).then_some(())
        });
        if self.ended.len() > points.len() {
            return Err(format!("more has ended than was to: {:?}", self.ended));
        }
        Ok(found)
    }
}
