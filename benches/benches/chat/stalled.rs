//! One member of a room who never reads: what that costs the others, and the server.

mod reader;

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use benches::interleaved::figure;
use runtimes::measure::Scrape;
use statistics::{Batch, Batches, Interval, percentile, ratio_of_percentiles};

use self::reader::Stalled;
use super::{
    CONFIDENCE,
    crowd::{Crowd, Talk},
    servers::{Chat, Machine, Member, Server as _, resident},
};

const SLICE: Duration = Duration::from_secs(3);
/// The slices of each arm in which memory is looked at: looking costs time, so latencies are measured in others.
const LOOKED_AT: u32 = 3;
/// The slices of each arm before anybody stalls.
const WARM_UP: u32 = 2;
/// How often memory is looked at, in calls of the watch, which come every few milliseconds.
const LOOKS: u32 = 20;
/// How long every arm's members are read before a slice: pings that came during slices of the others are answered in time.
const ANSWERED_IN: Duration = Duration::from_millis(20);
/// Members who read, in every arm.
const MEMBERS: usize = 199;
/// The bytes of a text: long ones, so that what is not read fills its limits within a slice.
const TEXT: usize = 3_500;
/// Messages a second.
const RATE: f64 = 60.0;
const P99: f64 = 0.99;
const SEED: u64 = 7;
/// Connections that have ended.
const CLOSED: &str = "live_connections_closed_total";
const MIB: f64 = (1 << 20) as f64;

/// A chat in which some member may not read.
struct Arm {
    chat: Chat,
    crowd: Crowd,
    talk: Talk,
    /// The member who does not, if there is one.
    silent: Option<Member>,
    stalled: Option<Stalled>,
    /// A server that does not end a stalled connection for being slow keeps it until it misses its pongs.
    keeps: bool,
    latencies: Batches,
    /// The resident memory before anybody stalled, and its peak afterwards.
    at_first: u64,
    peak: u64,
    /// The peak of the kernel's memory of the stalled socket.
    kernel: u64,
}

/// Prints what a stalled reader costs, from so many rounds.
pub(crate) fn compare(machine: &Machine<'_>, rounds: u32) -> Result<()> {
    let unbounded = &[("slow-consumer", "unbounded")][..];
    let mut arms = [
        Arm::start(machine, "none stalled", &[], false)?,
        Arm::start(machine, "one stalled", &[], true)?,
        Arm::start(machine, "one stalled, unbounded", unbounded, true)?,
    ];
    for round in 0..rounds + LOOKED_AT {
        let mut order = [0, 1, 2];
        if round % 2 == 1 {
            order.reverse();
        }
        for arm in order {
            for arm in &mut arms {
                arm.crowd.idle(ANSWERED_IN)?;
            }
            let name = arms[arm].chat.name();
            let done = arms[arm].slice(round >= rounds);
            done.with_context(|| format!("`{name}`, round {round}, ended: {}", arms[arm].reasons()))?;
        }
    }
    show(&arms)
}

impl Arm {
    fn start(
        machine: &Machine<'_>,
        name: &'static str,
        choices: &[(&'static str, &'static str)],
        has_stalled: bool,
    ) -> Result<Self> {
        let mut chat = Chat::start(machine, name, choices)?;
        let mut room = chat.room(MEMBERS + 1)?;
        let silent = room.members.pop().filter(|_| has_stalled);
        let mut crowd = Crowd::join(&chat, &room.members)?;
        let mut talk = Talk::begin(&chat, &room, TEXT);
        // As many records as the room keeps for those who come back, so that memory has settled.
        for _ in 0..WARM_UP {
            crowd.talk(&mut talk, RATE, SLICE, &mut || {})?;
        }
        let at_first = resident(&chat)?;
        Ok(Self {
            chat,
            crowd,
            talk,
            silent,
            stalled: None,
            keeps: !choices.is_empty(),
            latencies: Batches::new(),
            at_first,
            peak: at_first,
            kernel: 0,
        })
    }

    fn slice(&mut self, is_looked_at: bool) -> Result<()> {
        let is_kept = self.keeps && self.stalled.as_ref().map_or(Ok(false), Stalled::is_open)?;
        if let Some(member) = self.silent.as_ref().filter(|_| !is_kept) {
            // The server has ended the last one meanwhile, and who does not read does not notice.
            self.stalled = Some(Stalled::open(self.chat.address(), member)?);
        }
        if !is_looked_at {
            let received = self.crowd.talk(&mut self.talk, RATE, SLICE, &mut || {})?;
            let batch = Batch { launch: 1, cost: 0.0, operations: received.deliveries };
            self.latencies.push(batch, Some(&received.latencies));
            return Ok(());
        }
        let (chat, stalled) = (&self.chat, self.stalled.as_ref());
        let (mut calls, mut seen) = (0, Ok((0, 0)));
        self.crowd.talk(&mut self.talk, RATE, SLICE, &mut || {
            calls += 1;
            if calls % LOOKS == 0
                && let Ok((peak, kernel)) = &mut seen
            {
                match look(chat, stalled) {
                    Ok(now) => (*peak, *kernel) = (now.0.max(*peak), now.1.max(*kernel)),
                    Err(error) => seen = Err(error),
                }
            }
        })?;
        let (peak, kernel) = seen?;
        (self.peak, self.kernel) = (self.peak.max(peak), self.kernel.max(kernel));
        Ok(())
    }

    /// By how much the process has grown.
    fn grown(&self) -> f64 {
        (self.peak - self.at_first) as f64
    }

    /// Why connections have ended.
    fn reasons(&self) -> String {
        let Ok(page) = Scrape::of(self.chat.process().internal) else { return "unknown".to_owned() };
        let reasons = page.label_values(CLOSED, "reason");
        let counted =
            reasons.iter().map(|reason| format!("{} {reason}", page.total(CLOSED, &[("reason", reason)])));
        counted.collect::<Vec<_>>().join(", ")
    }

    /// Connections that were ended because their clients did not read.
    fn ended(&self) -> Result<u64> {
        let page = Scrape::of(self.chat.process().internal)?;
        Ok(page.total(CLOSED, &[("reason", "slow")]) as u64)
    }
}

fn show(arms: &[Arm; 3]) -> Result<()> {
    println!(
        "\nA room of {} members, {RATE} messages of {TEXT} bytes a second; one member never reads",
        MEMBERS + 1
    );
    for arm in arms {
        let p99 = percentile(&arm.latencies, P99, CONFIDENCE, SEED).map(in_milliseconds);
        println!(
            "  {:24} p99 of a delivery to the others {} ms; {} ended as slow",
            arm.chat.name(),
            figure(p99, 2),
            arm.ended()?
        );
    }
    let [none, one, unbounded] = arms;
    for (arm, bound) in [(one, "  must be at most 1.05"), (unbounded, "")] {
        let ratio = ratio_of_percentiles(&arm.latencies, &none.latencies, P99, CONFIDENCE, SEED);
        println!("  {:50} {:22}{bound}", format!("p99, {} over none", arm.chat.name()), figure(ratio, 3));
    }
    for (arm, bound) in [(one, "  must be at most 1"), (unbounded, "")] {
        let (more, kernel) = (arm.grown() - none.grown(), arm.kernel as f64);
        println!(
            "  {:50} {:.2} MiB: {:.2} resident, {:.2} of the kernel's socket{bound}",
            format!("memory of {}", arm.chat.name()),
            (more + kernel) / MIB,
            more / MIB,
            kernel / MIB
        );
    }
    if one.ended()? == 0 {
        bail!("no stalled reader was disconnected: the load does not fill its limits");
    }
    Ok(())
}

/// The resident memory of a chat, and the kernel's of its stalled socket.
fn look(chat: &Chat, stalled: Option<&Stalled>) -> Result<(u64, u64)> {
    Ok((resident(chat)?, stalled.map_or(Ok(0), Stalled::kernel_bytes)?))
}

fn in_milliseconds(nanoseconds: Interval) -> Interval {
    let [estimate, low, high] =
        [nanoseconds.estimate, nanoseconds.low, nanoseconds.high].map(|nanoseconds| nanoseconds / 1e6);
    Interval { estimate, low, high, ..nanoseconds }
}
