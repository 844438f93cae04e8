//! Arms that run at the same time on the same processor and are loaded in turn, to measure the CPU cost of a
//! followed link.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use design::Wiring;
use load::{
    journeys::{JourneyOptions, for_system},
    record::SliceRecord,
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Observer, Sender, Slice, SlicePlan, Target},
};
use runtimes::{
    arm::{BackingChoices, LaunchOptions, READY_WITHIN},
    interrupt::Interrupt,
    launch::Launch,
    measure::{CpuMeter, Group},
    scratch::Scratch,
};
use scenario::plan::{ArmPlan, Budget};
use statistics::{Batch, Batches, Interval, difference_of_means, mean, ratio_of_means};

const SLICE: Duration = Duration::from_millis(25);
const LINKS: usize = 1_000;
const LAUNCHES: u32 = 4;
const CONFIDENCE: f64 = 0.95;

/// An arm: its name in the bench, and the axes that differ from their defaults.
pub type Choices = (&'static str, &'static [(&'static str, &'static str)]);

/// A server outside the lab's arms, started for each launch and stopped when dropped.
pub trait Reference {
    /// Its address.
    fn address(&self) -> SocketAddr;
    /// Its processes.
    fn groups(&self) -> Vec<Group>;
}

/// Starts a reference on the processors that the arms share.
pub type StartReference = fn(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>>;

/// The duration and rate of every arm's load.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    seconds: f64,
    rate: f64,
}

impl Pace {
    /// Parses `[SECONDS [RATE]]`: seconds for each arm and operations a second, by default 20 and 2,000.
    ///
    /// At 2,000 a second nearly every message wakes a sleeping process; at higher rates some find it awake,
    /// and an operation costs less.
    pub fn read(words: &[&str]) -> Result<Self> {
        ensure!(words.len() <= 2, "expected `[SECONDS [RATE]]`, got `{}`", words.join(" "));
        let number = |at: usize, what, default| match words.get(at) {
            None => Ok(default),
            Some(word) => {
                let number = word.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 1.0);
                number.with_context(|| format!("`{word}`: expected a number of {what}, at least 1"))
            }
        };
        Ok(Self { seconds: number(0, "seconds", 20.0)?, rate: number(1, "operations a second", 2_000.0)? })
    }
}

/// Loads every arm in turn at this pace; returns CPU microseconds of each round, of the references first,
/// then of the arms.
pub fn costs(
    arms: &[Choices],
    held: &[(&'static str, &'static str)],
    references: &[StartReference],
    pace: Pace,
) -> Result<Vec<Batches>> {
    let budget = Budget::of_this_machine();
    let scratch = Scratch::create()?;
    let program = std::env::current_exe()?;
    let mut costs: Vec<Batches> = (0..references.len() + arms.len()).map(|_| Batches::new()).collect();
    for number in 1..=LAUNCHES {
        let launch = Launch::start(
            &plans(arms, held)?,
            &budget,
            &LaunchOptions {
                program: &program,
                scratch: &scratch,
                number,
                backings: &BackingChoices::default(),
                port: None,
                public_urls: &[],
                proxied: runtimes::arm::Proxied::Nothing,
                traces: true,
                interrupt: &Interrupt::never(),
                ready_within: READY_WITHIN,
                limits: design::Limits::default(),
            },
        )?;
        if let Some(skipped) = launch.skipped.first() {
            anyhow::bail!("`{}` cannot be had: {}\nhint: {}", skipped.arm, skipped.why, skipped.hint);
        }
        let started: Vec<_> =
            references.iter().map(|start| start(&program, &budget)).collect::<Result<_>>()?;
        pin(&budget.generator)?;
        measure(number, pace, &launch, &started, &mut costs)?;
        drop(started);
        launch.stop();
    }
    Ok(costs)
}

fn plans(arms: &[Choices], held: &[(&'static str, &'static str)]) -> Result<Vec<ArmPlan>> {
    let plan = |(name, choices): &Choices| {
        let choices = held.iter().chain(*choices).copied();
        Ok(ArmPlan::new((*name).to_owned(), Wiring::with(&shortener_app::SYSTEM, choices)?))
    };
    arms.iter().map(plan).collect()
}

/// Pins this thread, and its child processes, to these processors.
pub fn pin(cpus: &[usize]) -> Result<()> {
    let mut set = nix::sched::CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    Ok(nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &set)?)
}

fn measure(
    number: u32,
    pace: Pace,
    launch: &Launch,
    references: &[Box<dyn Reference>],
    costs: &mut [Batches],
) -> Result<()> {
    let mut groups: Vec<Vec<Group>> = references.iter().map(|it| it.groups()).collect();
    groups.extend(launch.arms.iter().map(runtimes::arm::RunningArm::groups));
    let own = references.iter().map(|it| it.address());
    let addresses = own.chain(launch.arms.iter().map(|arm| arm.public));
    let arms: Vec<Arm> = addresses.map(arm).collect::<Result<_>>()?;
    let count = arms.len();
    let mut sender = Sender::new(arms, &Limits::default())?;
    for arm in 0..count {
        sender.prepare(arm, &mut |_| true)?;
    }
    let load =
        Load::Open { arrivals: Arrivals::Poisson, profile: Profile::Steady { rate: pace.rate }, seed: 7 };
    let plan = |rounds| SlicePlan { arms: count, slice_length: SLICE, rounds, seed: u64::from(number) };
    let meters = groups.iter().map(CpuMeter::new).collect();
    let mut read = Rounds { number, meters, before: Vec::new(), operations: vec![0; count], ended: 0, costs };
    // The first second opens connections and warms up the rest.
    sender.run(&plan(40), &load, &mut Ignored)?;
    read.before = read.meters.iter_mut().map(CpuMeter::read).collect();
    let rounds = pace.seconds / f64::from(LAUNCHES) / SLICE.as_secs_f64();
    sender.run(&plan(rounds as u32), &load, &mut read)?;
    Ok(())
}

fn arm(address: SocketAddr) -> Result<Arm> {
    let mix = Some("follow-only".to_owned());
    let options = JourneyOptions { seed: 7, mix, things: LINKS, ..JourneyOptions::default() };
    Ok(Arm { target: Target::at("arm", address), journeys: for_system("shortener", &options)? })
}

struct Ignored;

impl Observer for Ignored {
    fn slice_ended(&mut self, _: &Slice, _: &SliceRecord) {}
}

/// Reads the CPU of every arm at the end of each round.
struct Rounds<'a> {
    number: u32,
    meters: Vec<CpuMeter>,
    before: Vec<Vec<u64>>,
    operations: Vec<u64>,
    ended: usize,
    costs: &'a mut [Batches],
}

impl Observer for Rounds<'_> {
    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        self.operations[slice.arm] = record.succeeded;
        self.ended += 1;
        if self.ended < self.meters.len() {
            return;
        }
        self.ended = 0;
        let now: Vec<Vec<u64>> = self.meters.iter_mut().map(CpuMeter::read).collect();
        for (arm, (now, before)) in now.iter().zip(&self.before).enumerate() {
            let used = now.iter().sum::<u64>() - before.iter().sum::<u64>();
            let batch =
                Batch { launch: self.number, cost: used as f64 / 1_000.0, operations: self.operations[arm] };
            self.costs[arm].push(batch, None);
        }
        self.before = now;
    }
}

/// Prints the cost of a followed link in each arm.
pub fn show(names: impl Iterator<Item = &'static str>, costs: &[Batches]) {
    println!(
        "\nCPU microseconds a followed link, 95 % intervals, {} operations an arm",
        costs[0].operations()
    );
    for (name, cost) in names.zip(costs) {
        println!("  {name:38} {}", figure(mean(cost.as_slice(), CONFIDENCE), 1));
    }
    println!("\nWhat follows");
}

/// Prints the ratio of the costs of `a` and `b`, and its bound.
pub fn show_ratio(what: &str, a: &Batches, b: &Batches, bound: &str) {
    let ratio = ratio_of_means(a.as_slice(), b.as_slice(), CONFIDENCE);
    println!("  {what:50} {:22} must be at most {bound}", figure(ratio, 3));
}

/// Prints the difference of the costs of `a` and `b`, in microseconds.
pub fn show_difference(what: &str, a: &Batches, b: &Batches) {
    let difference = difference_of_means(a.as_slice(), b.as_slice(), CONFIDENCE);
    println!("  {what:50} {}", figure(difference, 1));
}

/// Prints the ratio of two differences of costs, and its bound.
pub fn show_ratio_of_differences(what: &str, a: [&Batches; 2], b: [&Batches; 2], bound: &str) {
    let [a, b] = [a, b].map(|[more, less]| differences(more.as_slice(), less.as_slice()));
    let ratio = ratio_of_means(&a, &b, CONFIDENCE);
    println!("  {what:50} {:22} must be at most {bound}", figure(ratio, 3));
}

/// The differences of two arms' costs, round by round.
fn differences(more: &[Batch], less: &[Batch]) -> Vec<Batch> {
    let per_operation = |batch: &Batch| batch.cost / batch.operations.max(1) as f64;
    let difference = |(more, less): (&Batch, &Batch)| Batch {
        launch: more.launch,
        cost: per_operation(more) - per_operation(less),
        operations: 1,
    };
    more.iter().zip(less).map(difference).collect()
}

/// An estimate with its interval.
pub fn figure(interval: Option<Interval>, digits: usize) -> String {
    interval.map_or_else(
        || "too little was measured".to_owned(),
        |i| format!("{:.digits$} [{:.digits$}, {:.digits$}]", i.estimate, i.low, i.high),
    )
}
