//! `lab up`: one wiring, up until Ctrl-C.

mod keys;
mod places;
mod supervisor;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use design::{Limits, PublicUrl};
use runtimes::{
    arm::{LaunchOptions, Proxied, READY_WITHIN, RunningArm},
    interrupt::Interrupt,
    launch::Launch,
    scratch::Scratch,
    traces,
};
use scenario::plan::{ArmPlan, Budget};

use self::{places::places, supervisor::Supervisor};
use super::{
    choices::{GivenBackings, public_url},
    runtime::RuntimeChoice,
    waterfall,
    wiring_choice::WiringChoice,
};
use crate::{
    by_hand::FaultsByHand,
    outcome::Outcome,
    output,
    recent::{self, Internal, Recent, Shown},
};

/// The interval at which the lab checks its processes.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The interval at which it looks for traces. One without new spans between two looks is complete, because exporters
/// send more often.
const TRACES_EVERY: Duration = Duration::from_secs(1);

/// The most traces drawn at each look.
const MOST_DRAWN: usize = 3;

/// What can be said.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab up shortener                                           every axis at its default\n  lab up shortener --set placement=microservices --set transport=grpc\n  lab up shortener/clicks --arm kafka --port 8080            an arm of a scenario\n\nTraces are drawn as they come; in another terminal, `lab trace` shows the last ones again,\nand `lab watch` what the processes make of their callees.\n\n`k` and Enter kill a process with the public API for 3 s, each time the next; `h` says the keys.\nCtrl-C stops it and removes everything that it made; once more ends it at once."
)]
pub struct Args {
    #[command(flatten)]
    wired: WiringChoice,
    /// The port of the public API; 0, and without it, a free one. Where several processes serve it, the first of as many
    /// consecutive ports
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// A URL by which the public knows the API, `https://short.example`, beside the address that it listens on; may be
    /// repeated
    #[arg(long = "public-url", value_name = "URL", value_parser = public_url)]
    public_urls: Vec<PublicUrl>,
    /// Lead every link through the lab's proxy, so that `lab fault` can break it; a little slower
    #[arg(long)]
    proxy: bool,
    /// Leave a process that dies as it is, instead of starting it again
    #[arg(long)]
    no_restart: bool,
    #[command(flatten)]
    runtime: RuntimeChoice,
    #[command(flatten)]
    backings: GivenBackings,
}

impl Args {
    /// Starts the wiring, prints where everything is, and stays until Ctrl-C.
    ///
    /// When a process or a backing ends, a message says so, and the rest stays up: its behaviour then is
    /// worth watching. A process is started again, a backing is not.
    /// Fails when no process serves the public API any more.
    pub fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let arm = self.wired.plan(scenarios)?;
        let budget = Budget::of_this_machine();
        let backings = self.backings.to_choices();
        let runtime = self.runtime.find(&backings)?;
        let interrupt = Interrupt::install()?;
        let scratch = Scratch::create()?;
        interrupt.remove_at_end(scratch.path().to_owned());
        runtime.leave_nothing(&interrupt);
        let program = std::env::current_exe().context("cannot find the lab's own program")?;
        let mut launch = Launch::start_on(
            &runtime,
            std::slice::from_ref(&arm),
            &budget,
            &LaunchOptions {
                program: &program,
                scratch: &scratch,
                number: 1,
                backings: &backings,
                port: runtime.port(self.port)?,
                public_urls: &self.public_urls,
                proxied: if self.proxy { Proxied::All } else { Proxied::Nothing },
                traces: true,
                interrupt: &interrupt,
                ready_within: READY_WITHIN,
                limits: Limits::default(),
            },
        )?;
        for running in &launch.arms {
            output::data(&places(&arm, running)?)?;
        }
        let mut faults = FaultsByHand::new(scratch.path(), &arm)?;
        let mut recent = recent(&arm, &launch, &scratch, faults.socket())?;
        output::talk(&keys::listen(launch.arms.first(), faults.socket()));
        let mut supervisor = Supervisor::new(!self.no_restart);
        let mut traces_seen = Instant::now();
        while interrupt.sleep(LOOK_EVERY) {
            supervisor.look(&mut launch)?;
            if let Some(running) = launch.arms.first() {
                faults.look(running).iter().for_each(|news| output::talk(news));
            }
            if traces_seen.elapsed() >= TRACES_EVERY {
                traces_seen = Instant::now();
                show_traces(&launch, &mut recent)?;
            }
        }
        drop(faults);
        for killed in launch.stop() {
            output::talk(&format!("warning: `{killed}` did not end in time and was killed"));
        }
        Ok(Outcome::Done)
    }
}

/// The file in which the last traces are kept for `lab trace`.
fn recent(plan: &ArmPlan, launch: &Launch, scratch: &Scratch, faults: &Path) -> Result<Recent> {
    let shown = Shown {
        pid: std::process::id(),
        system: plan.wiring.system().name.to_owned(),
        url: launch.arms.first().map(RunningArm::url).unwrap_or_default(),
        tracing: plan.wiring.get("tracing").to_owned(),
        faults: faults.to_owned(),
        internal: launch
            .arms
            .iter()
            .flat_map(|arm| &arm.processes)
            .map(|process| Internal { process: process.name.clone(), address: process.internal })
            .collect(),
        traces: Vec::new(),
    };
    Recent::start(scratch.path(), shown)
}

/// Draws the traces that are complete; of too many, the median one, and their number.
fn show_traces(launch: &Launch, recent: &mut Recent) -> Result<()> {
    let arrived = launch.arms.iter().filter_map(|arm| arm.receiver.as_ref());
    let whole = recent.look(arrived.flat_map(|receiver| receiver.take().traces).collect())?;
    let (drawn, of_how_many): (Vec<_>, _) = if whole.len() <= MOST_DRAWN {
        (whole.iter().collect(), String::new())
    } else {
        (traces::usual(&whole).into_iter().collect(), format!(", one of {}", whole.len()))
    };
    for trace in drawn.into_iter().filter_map(recent::drawn) {
        let drawing = waterfall::text(&trace, 0.0);
        output::data(&format!("\na trace: {}{of_how_many}\n{drawing}", trace.trace_id))?;
    }
    Ok(())
}
