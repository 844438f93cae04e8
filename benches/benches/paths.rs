//! What the platform, a hop and tracing cost an operation: CPU microseconds of a followed link, in one interleaved run.
//!
//! `cargo bench -p benches --bench paths [-- SECONDS]`: seconds measured for each arm, 20 if not given.
//! Everything that is compared runs at the same time on the same processor and is loaded in turn.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use lab::{
    interrupt::Interrupt,
    measure::CpuMeter,
    plan::{ArmPlan, Budget},
    process::{BackingChoices, Group, Launch, LaunchOptions, Part, READY_WITHIN, Scope, Scratch},
};
use load::{
    journeys::{JourneyOptions, for_system},
    record::SliceRecord,
    schedule::{Arrivals, Profile},
    sender::{Arm, Limits, Load, Observer, Sender, Slice, SlicePlan, Target},
    statistics::{Batch, Batches, Interval, difference_of_means, mean, ratio_of_means},
};
use runtime::{HostFile, Wiring};

const SLICE: Duration = Duration::from_millis(25);
const RATE: f64 = 2_000.0;
const LINKS: usize = 1_000;
const LAUNCHES: u32 = 4;
const CONFIDENCE: f64 = 0.95;

/// The arms, each with the axes that it does not leave at their defaults.
const ARMS: [(&str, &[(&str, &str)]); 5] = [
    ("monolith", &[]),
    ("monolith, 1 % traced", &[("tracing", "0.01")]),
    ("links one hop away, http", &[("placement", "links-apart")]),
    ("links one hop away, grpc", &[("placement", "links-apart"), ("transport", "grpc")]),
    ("links one hop away, http, 1 % traced", &[("placement", "links-apart"), ("tracing", "0.01")]),
];
/// What all arms share: the path from memory to memory.
const HELD: [(&str, &str); 3] = [("cache", "local"), ("events", "memory"), ("tracing", "off")];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    match words.as_slice() {
        ["host", file] => runtime::host(&shortener_app::SERVICE, HostFile::read(Path::new(file))?),
        ["bare", address] => Ok(benches::bare::serve(address.parse()?)?),
        [] => compare(20.0),
        [seconds] => compare(seconds.parse().context("how many seconds?")?),
        _ => anyhow::bail!("usage: paths [SECONDS]"),
    }
}

/// The bare reference, as a child that ends with this value.
struct Bare(Child);

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn compare(seconds: f64) -> Result<()> {
    let budget = Budget::of_this_machine();
    let scratch = Scratch::create()?;
    let program = std::env::current_exe()?;
    let mut costs: Vec<Batches> = (0..=ARMS.len()).map(|_| Batches::new()).collect();
    for number in 1..=LAUNCHES {
        let launch = Launch::start(
            &plans()?,
            &budget,
            &LaunchOptions {
                program: &program,
                scratch: &scratch,
                number,
                backings: &BackingChoices::default(),
                port: None,
                traces: true,
                interrupt: &Interrupt::never(),
                ready_within: READY_WITHIN,
            },
        )?;
        let address: SocketAddr = "127.0.0.1:19999".parse()?;
        let bare = start_bare(&program, address, &budget)?;
        pin(&budget.generator)?;
        measure(number, seconds / f64::from(LAUNCHES), &launch, &bare, address, &mut costs)?;
        drop(bare);
        launch.stop();
    }
    report(&costs);
    Ok(())
}

fn plans() -> Result<Vec<ArmPlan>> {
    let plan = |(name, choices): &(&str, &[(&str, &str)])| {
        let choices = HELD.iter().chain(*choices).copied();
        Ok(ArmPlan::new((*name).to_owned(), Wiring::with(&shortener_app::SYSTEM, choices)?))
    };
    ARMS.iter().map(plan).collect()
}

fn start_bare(program: &Path, address: SocketAddr, budget: &Budget) -> Result<Bare> {
    // A child has the processors of the thread that starts it.
    pin(&budget.arms)?;
    let child = Command::new(program).args(["bare", &address.to_string()]).stdin(Stdio::null()).spawn()?;
    let bare = Bare(child);
    for _ in 0..200 {
        if std::net::TcpStream::connect(address).is_ok() {
            return Ok(bare);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("the bare reference does not listen on {address}")
}

fn pin(cpus: &[usize]) -> Result<()> {
    let mut set = nix::sched::CpuSet::new();
    for cpu in cpus {
        set.set(*cpu)?;
    }
    Ok(nix::sched::sched_setaffinity(nix::unistd::Pid::from_raw(0), &set)?)
}

fn measure(
    number: u32,
    seconds: f64,
    launch: &Launch,
    bare: &Bare,
    address: SocketAddr,
    costs: &mut [Batches],
) -> Result<()> {
    let mut groups: Vec<Vec<Group>> = vec![vec![bare_group(bare.0.id())]];
    groups.extend(launch.arms.iter().map(lab::process::RunningArm::groups));
    let addresses = std::iter::once(address).chain(launch.arms.iter().map(|arm| arm.public));
    let arms: Vec<Arm> = addresses.map(arm).collect::<Result<_>>()?;
    let count = arms.len();
    let mut sender = Sender::new(arms, &Limits::default())?;
    for arm in 0..count {
        sender.prepare(arm, &mut |_| {})?;
    }
    let load = Load::Open { arrivals: Arrivals::Poisson, profile: Profile::Steady { rate: RATE }, seed: 7 };
    let plan = |rounds| SlicePlan { arms: count, slice_length: SLICE, rounds, seed: u64::from(number) };
    let meters = groups.iter().map(CpuMeter::new).collect();
    let mut rounds =
        Rounds { number, meters, before: Vec::new(), operations: vec![0; count], ended: 0, costs };
    // The first second opens connections and warms what the preparation did not.
    sender.run(&plan(40), &load, &mut Ignored)?;
    rounds.before = rounds.meters.iter_mut().map(CpuMeter::read).collect();
    sender.run(&plan((seconds / SLICE.as_secs_f64()) as u32), &load, &mut rounds)?;
    Ok(())
}

fn arm(address: SocketAddr) -> Result<Arm> {
    let mix = Some("follow-only".to_owned());
    let options = JourneyOptions { seed: 7, mix, links: LINKS, ..JourneyOptions::default() };
    Ok(Arm { target: Target::at("arm", address), journeys: for_system("shortener", &options)? })
}

fn bare_group(pid: u32) -> Group {
    let part = Part::Service { components: Vec::new(), edge: true };
    Group { name: "bare".to_owned(), part, scope: Scope::Process(pid) }
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

fn report(costs: &[Batches]) {
    let of = |arm: usize| costs[arm].as_slice();
    let show = |interval: Option<Interval>, digits: usize| {
        interval.map_or_else(
            || "too little was measured".to_owned(),
            |i| format!("{:.digits$} [{:.digits$}, {:.digits$}]", i.estimate, i.low, i.high),
        )
    };
    println!(
        "\nCPU microseconds a followed link, 95 % intervals, {} operations an arm",
        costs[0].operations()
    );
    for (arm, name) in std::iter::once("bare axum handler").chain(ARMS.iter().map(|arm| arm.0)).enumerate() {
        println!("  {name:38} {}", show(mean(of(arm), CONFIDENCE), 1));
    }
    let ratio = |what: &str, a: usize, b: usize, bound: &str| {
        println!(
            "  {what:50} {:22} must be at most {bound}",
            show(ratio_of_means(of(a), of(b), CONFIDENCE), 3)
        );
    };
    let difference = |what: &str, a: usize, b: usize, bound: &str| {
        println!(
            "  {what:50} {:22} must be at most {bound}",
            show(difference_of_means(of(a), of(b), CONFIDENCE), 1)
        );
    };
    println!("\nWhat follows");
    ratio("monolith over bare handler", 1, 0, "1.25");
    ratio("traced at 1 % over untraced, monolith", 2, 1, "1.10");
    ratio("traced at 1 % over untraced, one hop", 5, 3, "1.10");
    difference("one hop over HTTP, us more than in process", 3, 1, "55");
    difference("one hop over gRPC, us more than in process", 4, 1, "100");
}
