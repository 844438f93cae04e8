//! Launches and their phases: start, prepare, warm up, measure, trace, check, stop.

mod ends;
mod traced;
mod watched;

use std::{
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};
use load::{
    journeys::{Check, JourneyOptions, for_system},
    schedule::Profile,
    sender::{Arm, Limits, Load, Sender, SlicePlan},
};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use runtimes::{
    arm::{LaunchOptions, Proxied, READY_WITHIN, RunningArm},
    interrupt::Interrupt,
    launch::{Launch, Runtime, enough, one_arm_a_broker},
    measure::memory,
    scratch::Scratch,
};
use scenario::{
    Kind,
    plan::{ArmPlan, Plan, RAMP_STEPS},
    systems,
};
use statistics::Looks;

use self::ends::most_launches;
use super::{
    RunOptions,
    capacity::Ramp,
    counters::{counters, delivers},
    faults::Faults,
    folder::RunFolder,
    gathered::{self, ArmData, Gathered},
    pinned::Pinned,
    progress::{Progress, named},
    rounds::{Rounds, Unmeasured},
};

/// The length of one slice of the warm-up.
const WARM_SLICE: Duration = Duration::from_millis(250);
/// The pause before phases begin, in which effects of the warm-up end.
const QUIET: Duration = Duration::from_secs(1);
/// The time limit until an event log delivers its first event: a consumer group forms.
const EVENTS_WITHIN: Duration = Duration::from_secs(12);

/// Runs every launch of a plan.
pub(super) fn run(options: &RunOptions, folder: &RunFolder, interrupt: &Interrupt) -> Result<Gathered> {
    // For all arms, also those that run one after the other.
    one_arm_a_broker(&options.plan.arms, &options.backings)?;
    let scratch = Scratch::create()?;
    interrupt.remove_at_end(scratch.path().to_owned());
    options.runtime.leave_nothing(interrupt);
    let program = match &options.program {
        Some(program) => program.clone(),
        None => std::env::current_exe().context("cannot find the lab's own program")?,
    };
    let _pinned = Pinned::to(&options.plan.budget.generator)?;
    let launches = most_launches(&options.plan, options.until_decided);
    let mut experiment = Experiment {
        options,
        plan: &options.plan,
        folder,
        interrupt,
        scratch,
        program,
        gathered: Gathered::new(&options.plan),
        progress: Progress::new(options, launches),
        began: Instant::now(),
        launches,
        looks: Looks::new(options.plan.load.launches, launches),
        arms: options.plan.arms.clone(),
    };
    if let Runtime::Compose(engine) = &options.runtime {
        let has_proxy = options.plan.scenario.faults.iter().any(|fault| fault.what.is_of_links());
        experiment.gathered.notes.push(engine.note(has_proxy));
    }
    match experiment.plan.scenario.kind {
        Kind::Paired | Kind::Waterfall => experiment.paired()?,
        Kind::Episodes => experiment.episodes()?,
    }
    Ok(experiment.gathered)
}

struct Experiment<'a> {
    options: &'a RunOptions,
    plan: &'a Plan,
    folder: &'a RunFolder,
    interrupt: &'a Interrupt,
    scratch: Scratch,
    program: PathBuf,
    gathered: Gathered,
    progress: Progress,
    began: Instant,
    /// The most launches.
    launches: u32,
    looks: Looks,
    /// The arms that can run: one that was skipped once is not tried again.
    arms: Vec<ArmPlan>,
}

impl Experiment<'_> {
    /// All arms up at once, several times.
    fn paired(&mut self) -> Result<()> {
        let load = &self.plan.load;
        for number in 1..=self.launches {
            let chosen = self.arms.clone();
            // Known only after the first launch: the time of an arm that cannot run goes to the others.
            let turns = u32::try_from(self.arms.len()).unwrap_or(1) * load.launches;
            let rounds = (load.measured.as_secs_f64() / load.slice.as_secs_f64() / f64::from(turns)).round();
            self.launch(number, &chosen, (rounds as u32).max(4))?;
            if self.ends(number) {
                break;
            }
        }
        Ok(())
    }

    /// One arm up at a time, for a whole episode, in random order.
    fn episodes(&mut self) -> Result<()> {
        let mut random = StdRng::seed_from_u64(self.plan.seed);
        for number in 1..=self.launches {
            let mut order: Vec<ArmPlan> = self.arms.clone();
            order.shuffle(&mut random);
            for arm in order {
                self.launch(number, &[arm], 1)?;
                if self.gathered.death.is_some() {
                    return Ok(());
                }
            }
            self.gathered.rounds += 1;
            if self.ends(number) {
                break;
            }
        }
        Ok(())
    }

    /// One launch of the chosen arms, from start to stop.
    fn launch(&mut self, number: u32, plans: &[ArmPlan], rounds: u32) -> Result<()> {
        self.interrupt.check()?;
        let labels = named(plans.iter().map(|arm| arm.label.as_str()));
        let starting = self.progress.phase(&format!("starting {labels}"), 1);
        let mut launch = Launch::start_some(
            &self.options.runtime,
            plans,
            &self.plan.budget,
            &LaunchOptions {
                program: &self.program,
                scratch: &self.scratch,
                number,
                backings: &self.options.backings,
                port: None,
                public_urls: &[],
                proxied: Proxied::By(&self.plan.faults()),
                traces: true,
                interrupt: self.interrupt,
                ready_within: READY_WITHIN,
                limits: design::Limits::default(),
            },
        )?;
        drop(starting);
        let chosen = self.note_arms(&mut launch)?;
        if chosen.is_empty() {
            return Ok(());
        }
        let mut sender = self.sender(&launch, number)?;
        self.prepare(&mut sender, &launch)?;
        self.warm_up(&mut sender, &launch)?;
        let began = Instant::now();
        self.measure(&mut sender, &mut launch, number, &chosen, rounds)?;
        // The traces of one launch suffice; a drill does not ask where time goes.
        if self.gathered.death.is_none() && number == 1 && self.options.drill.is_none() {
            self.trace(&mut sender, &launch, &chosen)?;
        }
        self.note_death(&mut launch, began);
        self.check(&mut sender, &launch, number, &chosen)?;
        self.note_death(&mut launch, began);
        if self.plan.scenario.kind != Kind::Episodes && self.gathered.death.is_none() {
            let turns = (launch.arms.len() * RAMP_STEPS.len()) as u64;
            let phase = self.progress.phase(&format!("measuring the capacity of {}", up(&launch)), turns);
            let ramp = Ramp::new(&mut self.gathered, &launch, number, &chosen, self.interrupt, &phase);
            ramp.run(self.plan, &mut sender)?;
            self.note_death(&mut launch, began);
        }
        let killed = launch.stop();
        if !killed.is_empty() {
            let note = format!("had to be killed at the end: {}", killed.join(", "));
            self.gathered.notes.push(note);
        }
        self.gathered.launches = number;
        self.progress.launched();
        Ok(())
    }

    /// In the first launch, records the arms; returns the indices of the running ones.
    fn note_arms(&mut self, launch: &mut Launch) -> Result<Vec<usize>> {
        self.interrupt.check()?;
        self.gathered.skipped.append(&mut launch.skipped);
        let skipped = |arm: &ArmPlan| self.gathered.skipped.iter().any(|skipped| skipped.arm == arm.name);
        self.arms.retain(|arm| !skipped(arm));
        enough(self.arms.len(), self.plan.arms.len(), &self.gathered.skipped)?;
        for running in &launch.arms {
            if self.gathered.arms.iter().any(|arm| arm.plan.name == running.name) {
                continue;
            }
            let plan = self.arms.iter().find(|arm| arm.name == running.name).context("an arm has a plan")?;
            let mut data = ArmData::new(plan.clone(), &running.groups());
            data.backings = gathered::used_backings(plan, running);
            data.urls = running
                .processes
                .iter()
                .map(|process| {
                    (process.name.clone(), format!("http://{}", process.public.unwrap_or(process.internal)))
                })
                .collect();
            for (process, text) in running.host_file_texts() {
                self.folder.write(&format!("wirings/{}/{process}.toml", running.name), text)?;
            }
            for caveat in running.backings.iter().filter_map(|backing| backing.caveat.as_ref()) {
                self.gathered.notes.push(format!("{}: {caveat}", running.label));
            }
            self.gathered.arms.push(data);
        }
        // The plan's order, because episodes start in random order.
        let order = |arm: &ArmData| self.plan.arms.iter().position(|plan| plan.name == arm.plan.name);
        self.gathered.arms.sort_by_key(order);
        let place = |arm: &RunningArm| self.gathered.arms.iter().position(|data| data.plan.name == arm.name);
        Ok(launch.arms.iter().filter_map(place).collect())
    }

    fn sender(&self, launch: &Launch, number: u32) -> Result<Sender> {
        let arms = launch.arms.iter().map(|running| {
            let plan = self.arms.iter().find(|arm| arm.name == running.name).context("an arm has a plan")?;
            let options = JourneyOptions {
                // Each launch begins with empty stores, and with its own keys.
                seed: self.plan.seed.wrapping_mul(1_000).wrapping_add(u64::from(number)),
                mix: Some(self.plan.load.mix.clone()),
                things: self.plan.load.things as usize,
                own: systems::own_options(&self.plan.load.options, &plan.wiring),
            };
            let journeys = for_system(self.plan.scenario.system.name, &options)?;
            Ok(Arm { target: running.target()?, journeys })
        });
        let limits = Limits { connections: self.plan.load.connections, ..Limits::default() };
        Ok(Sender::new(arms.collect::<Result<_>>()?, &limits)?)
    }

    fn prepare(&self, sender: &mut Sender, launch: &Launch) -> Result<()> {
        let total = self.plan.load.things * launch.arms.len() as u64;
        let things = systems::prepared(self.plan.scenario.system.name);
        let made = format!("making {} {things}", self.plan.load.things);
        let phase = self.progress.phase(&format!("{made} in {}", up(launch)), total);
        for arm in 0..launch.arms.len() {
            phase.now(&format!("{made} in {}", launch.arms[arm].label));
            let before = arm as u64 * self.plan.load.things;
            let prepared = sender.prepare(arm, &mut |progress| {
                phase.at(before + progress.done);
                !self.interrupt.is_asked()
            });
            self.interrupt.check()?;
            prepared.with_context(|| format!("cannot prepare the arm `{}`", launch.arms[arm].label))?;
        }
        Ok(())
    }

    /// A load of constant rate, for phases that are not measured.
    fn steady(&self, rate: f64) -> Load {
        let profile = Profile::Steady { rate };
        Load::Open { arrivals: self.plan.load.spread(), profile, seed: self.plan.seed }
    }

    /// The measured load, with its phases.
    fn measured(&self) -> Load {
        let load = &self.plan.load;
        let profile = load.profile(load.rate);
        Load::Open { arrivals: load.spread(), profile, seed: self.plan.seed }
    }

    /// Warms up caches and pools, and waits until an event log delivers.
    fn warm_up(&self, sender: &mut Sender, launch: &Launch) -> Result<()> {
        let rounds = if self.plan.quick { 2 } else { 8 };
        let phase = self.progress.phase(&format!("warming up {}", up(launch)), 1);
        let until = Instant::now() + EVENTS_WITHIN;
        let mut seed = self.plan.seed;
        loop {
            seed = seed.wrapping_add(1);
            let plan = SlicePlan { arms: launch.arms.len(), slice_length: WARM_SLICE, rounds, seed };
            sender.run(&plan, &self.steady(self.plan.load.rate), &mut Unmeasured(self.interrupt))?;
            self.interrupt.check()?;
            if Instant::now() > until || launch.arms.iter().all(delivers) {
                phase.at(1);
                return Ok(());
            }
        }
    }

    fn measure(
        &mut self,
        sender: &mut Sender,
        launch: &mut Launch,
        number: u32,
        chosen: &[usize],
        rounds: u32,
    ) -> Result<()> {
        let own = systems::counters(self.plan.scenario.system.name);
        let before: Vec<_> = launch.arms.iter().map(|arm| counters(arm, own)).collect();
        let plan = SlicePlan {
            arms: launch.arms.len(),
            slice_length: self.plan.load.slice,
            rounds,
            seed: self.plan.seed.wrapping_add(u64::from(number)),
        };
        let slices = u64::from(rounds) * launch.arms.len() as u64;
        let in_turn = if launch.arms.len() > 1 { " in turn" } else { "" };
        let phase = self.progress.phase(&format!("measuring {}{in_turn}", up(launch)), slices);
        let load = self.measured();
        let planned = self.plan.faults();
        let faults = Faults::ready(&planned, &launch.arms[0], &self.plan.budget.arms, self.interrupt)?;
        let sampler = self.sampler(&launch.arms[0])?;
        sender.watched(self.plan.scenario.kind == Kind::Episodes);
        if !self.plan.load.phases.is_empty() {
            self.interrupt.sleep(QUIET + until_whole_second());
        }
        let watch = Rounds::new(&mut self.gathered, launch, number, chosen, self.interrupt, &phase);
        let watch = watch.sampled_by(&sampler);
        sender.run(&plan, &load, &mut faults.watching(watch))?;
        let counted = sampler.end();
        let happened = faults.end(&mut launch.arms[0], self.interrupt)?;
        // Only an episode is watched and has faults, and it has one arm.
        self.keep_watched(sender, chosen[0], counted, &happened);
        let made = happened.into_iter().map(|made| (launch.arms[0].label.clone(), number, made));
        self.gathered.faults.extend(made);
        self.keep_series(sender, chosen);
        for ((arm, before), running) in chosen.iter().zip(before).zip(&launch.arms) {
            let data = &mut self.gathered.arms[*arm];
            if let (Some(before), Some(after)) = (before, counters(running, own)) {
                data.counters.add_growth(&before, &after);
            }
            let held: Vec<_> = running.groups().iter().map(memory).collect();
            data.hold(&held);
        }
        Ok(())
    }

    /// Records a process that ended since the last slice.
    fn note_death(&mut self, launch: &mut Launch, began: Instant) {
        if self.gathered.death.is_none() {
            self.gathered.death = launch.death().map(|death| (death, began.elapsed().as_secs_f64()));
        }
    }

    /// Checks whether each arm holds everything that it acknowledged; an arm with a dead process is not
    /// checked.
    fn check(&mut self, sender: &mut Sender, launch: &Launch, number: u32, chosen: &[usize]) -> Result<()> {
        let what = format!("checking the ledger of {}", up(launch));
        let phase = self.progress.phase(&what, launch.arms.len() as u64);
        // All arms wait during a check, so the check does not wait for caches to expire.
        let wanted = Check { patience: Duration::ZERO, ..Check::default() };
        for (place, running) in launch.arms.iter().enumerate() {
            self.interrupt.check()?;
            if self.gathered.death.as_ref().is_some_and(|(death, _)| death.arm == running.name) {
                let note =
                    format!("{}: its ledger was not checked, because a process of it ended", running.label);
                self.gathered.notes.push(note);
                continue;
            }
            phase.now(&format!("checking the ledger of {}", running.label));
            let verdict = sender.check(place, &wanted);
            let name = format!("ledger/{}-launch-{number}.json", running.name);
            self.folder.write(&name, serde_json::to_string_pretty(&verdict)?)?;
            self.gathered.arms[chosen[place]].add_ledger(number, verdict);
            phase.at(place as u64 + 1);
        }
        Ok(())
    }
}

/// The names of the running arms, for a progress message.
fn up(launch: &Launch) -> String {
    named(launch.arms.iter().map(|arm| arm.label.as_str()))
}

/// The time until the wall clock's next whole second. Phases begin with one, so that calendar windows of a
/// system are at the same position in every episode, and the mean episode can be drawn.
fn until_whole_second() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::from_secs(1).saturating_sub(Duration::from_nanos(u64::from(now.subsec_nanos())))
}
