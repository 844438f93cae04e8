//! Capacity, the most operations a second that an arm answers (its saturation throughput, or maximum throughput): at the end of
//! a launch, three steps of 4, 16 and 64 operations in flight, one arm after another; the best step counts.
//!
//! The cost of an operation depends on how busy an arm is, so each cost is reported with the load as a share
//! of the arm's capacity. A closed loop keeps an arm as busy as possible whatever its speed, which is what
//! capacity means; its latencies are not used.
//!
//! The best of three measured steps is biased upwards (the winner's curse): the maximum prefers a step whose errors were in its
//! favour. The interval is that of the chosen step alone, and does not know of the choice. The bias is small: of three steps
//! that are equal it is 0.85 standard errors, which is less than half of the interval's half-width, and of steps that differ
//! by more than their errors it is none.

use anyhow::Result;
use load::{
    journey::UNAVAILABLE,
    record::SliceRecord,
    sender::{Load, Observer, Sender, Slice, SlicePlan},
};
use nix::time::{ClockId, clock_gettime};
use report::model;
use runtimes::{interrupt::Interrupt, launch::Launch, measure::CpuMeter};
use scenario::plan::{Plan, RAMP_REST, RAMP_STEPS};
use statistics::{Batch, Batches, Interval, mean};

use super::{compare::CONFIDENCE, gathered::Gathered, progress::Phase};

/// The share of a slice's time that the generator's thread was on its processor from which on the generator
/// may have been the bottleneck.
const GENERATOR_BUSY: f64 = 0.9;
/// The largest share of failed operations at a rate that counts as capacity, because failing is faster than working.
/// A system that refuses because it is full or lacks something (503) has failed here; 429 is an answer, a limiter's work.
const MAY_FAIL: f64 = 0.01;

/// One step of the ramp of one arm, over all launches.
#[derive(Clone, Default)]
pub(super) struct Step {
    /// The time in nanoseconds, with the operations answered in it.
    time: Batches,
    /// The arm's CPU time in nanoseconds for the same operations.
    cpu: Batches,
    failed: u64,
    /// The CPU time of the generator's thread, in nanoseconds.
    generator: u64,
}

/// The ramp of one launch; observes the slices of its steps.
pub(super) struct Ramp<'a> {
    gathered: &'a mut Gathered,
    interrupt: &'a Interrupt,
    launch: u32,
    /// The index of each of the sender's arms in the run.
    arms: &'a [usize],
    phase: &'a Phase,
    slices: u64,
    meters: Vec<CpuMeter>,
    step: usize,
    before: CpuTimes,
}

/// CPU times in nanoseconds.
#[derive(Default)]
struct CpuTimes {
    /// Of each group of an arm's processes.
    arm: Vec<u64>,
    /// Of the generator's thread.
    generator: u64,
}

impl<'a> Ramp<'a> {
    pub(super) fn new(
        gathered: &'a mut Gathered,
        launch: &Launch,
        number: u32,
        arms: &'a [usize],
        interrupt: &'a Interrupt,
        phase: &'a Phase,
    ) -> Self {
        let meters = launch.arms.iter().map(|arm| CpuMeter::new(&arm.groups())).collect();
        Self {
            gathered,
            interrupt,
            launch: number,
            arms,
            phase,
            slices: 0,
            meters,
            step: 0,
            before: CpuTimes::default(),
        }
    }

    /// Runs the ramp; after everything else, so that its effects disturb nothing.
    pub(super) fn run(mut self, plan: &Plan, sender: &mut Sender) -> Result<()> {
        // Walkthrough. For each number of operations in flight, every arm has one slice in a closed loop, in
        // random order. A slice gives one batch of time and one of CPU time. The step with the least time per
        // operation is the arm's capacity: fewer operations in flight leave the arm idle at times, and more
        // only queue. A step with too many failures does not count, because failing is faster than working.
        // If the generator's thread was busy for nearly the whole step, the figure is only a lower bound.
        let slices = SlicePlan {
            arms: self.meters.len(),
            slice_length: plan.ramp_slice(),
            rounds: 1,
            seed: plan.seed.wrapping_add(u64::from(self.launch)),
        };
        for (step, in_flight) in RAMP_STEPS.into_iter().enumerate() {
            self.step = step;
            sender.run(&slices, &Load::Closed { in_flight }, &mut self)?;
        }
        self.interrupt.check()
    }
}

impl Observer for Ramp<'_> {
    fn slice_started(&mut self, slice: &Slice) {
        self.before = CpuTimes { arm: self.meters[slice.arm].read(), generator: own_cpu() };
    }

    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        let generator = own_cpu() - self.before.generator;
        self.interrupt.sleep(RAMP_REST);
        // Work after the replies belongs to the slice, so the clocks are read after a rest.
        self.slices += 1;
        self.phase.at(self.slices);
        if record.interrupted {
            return;
        }
        let after = self.meters[slice.arm].read();
        let used: u64 = after.iter().zip(&self.before.arm).map(|(after, before)| after - before).sum();
        let step = &mut self.gathered.arms[self.arms[slice.arm]].ramp[self.step];
        step.push(self.launch, used, generator, record);
    }

    fn keep_going(&self) -> bool {
        !self.interrupt.is_asked()
    }
}

/// The CPU time of the sending thread, in nanoseconds.
fn own_cpu() -> u64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok();
    time.map_or(0, |time| (time.tv_sec() * 1_000_000_000 + time.tv_nsec()).cast_unsigned())
}

impl Step {
    fn push(&mut self, launch: u32, cpu: u64, generator: u64, record: &SliceRecord) {
        let operations = record.basis.answered as u64;
        let batch = |cost: f64| Batch { launch, cost, operations };
        self.time.push(batch(record.basis.span.as_nanos() as f64), None);
        self.cpu.push(batch(cpu as f64), None);
        self.failed += record.failed.total() + record.refused.get(UNAVAILABLE);
        self.generator += generator;
    }

    /// Nanoseconds per operation; `None` if too many failed.
    fn time_per_operation(&self) -> Option<f64> {
        let operations = self.time.operations();
        let is_sustained = operations > 0 && self.failed as f64 <= operations as f64 * MAY_FAIL;
        is_sustained.then(|| total(&self.time) / operations as f64)
    }

    /// Whether the generator may have been the bottleneck.
    fn generator_was_bottleneck(&self) -> bool {
        self.generator as f64 >= total(&self.time) * GENERATOR_BUSY
    }
}

fn total(batches: &Batches) -> f64 {
    batches.as_slice().iter().map(|batch| batch.cost).sum()
}

/// The step at which an arm answered most; `None` if too many failed at each.
fn best(steps: &[Step]) -> Option<(usize, &Step)> {
    let timed = steps.iter().enumerate();
    let timed = timed.filter_map(|(at, step)| Some((at, step, step.time_per_operation()?)));
    timed.min_by(|a, b| a.2.total_cmp(&b.2)).map(|(at, step, _)| (at, step))
}

/// The time of the step at which an arm answered most; `None` if the generator was the bottleneck.
pub(super) fn time_at_capacity(steps: &[Step]) -> Option<&Batches> {
    best(steps).filter(|(_, step)| !step.generator_was_bottleneck()).map(|(_, step)| &step.time)
}

/// The capacity of an arm, for the report.
pub(super) fn capacity(steps: &[Step]) -> Option<model::Capacity> {
    let (at, step) = best(steps)?;
    let per_second = |nanoseconds: f64| 1e9 / nanoseconds;
    let interval: Option<Interval> = mean(step.time.as_slice(), CONFIDENCE);
    let is_known = |interval: &Interval| interval.low > 0.0;
    let ends =
        interval.filter(is_known).map(|interval| [per_second(interval.high), per_second(interval.low)]);
    let operations = step.cpu.operations() as f64;
    Some(model::Capacity {
        per_s: per_second(step.time_per_operation()?),
        ends,
        at_least: step.generator_was_bottleneck(),
        in_flight: RAMP_STEPS[at] as u64,
        cpu_us_per_op: total(&step.cpu) / operations / 1_000.0,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use load::record::RateBasis;

    use super::*;

    /// A slice of 100 ms with this number of replies.
    fn slice_of(answered: u64, failed: u64) -> SliceRecord {
        let mut record = SliceRecord::default();
        let span = Duration::from_millis(100);
        let answered = answered as f64;
        record.basis = RateBasis {
            span,
            answered,
            succeeded: answered,
            window: span,
            slices: 1,
            ..RateBasis::default()
        };
        for _ in 0..failed {
            record.failed.add("status 500");
        }
        record
    }

    fn steps(slices: [(u64, u64); 3], generator: u64) -> Vec<Step> {
        let step = |(answered, failed)| {
            let mut step = Step::default();
            for launch in 1..=6 {
                step.push(launch, 90_000_000, generator, &slice_of(answered + u64::from(launch), failed));
            }
            step
        };
        slices.into_iter().map(step).collect()
    }

    #[test]
    fn capacity_is_the_rate_of_the_step_that_answered_most() {
        let found = capacity(&steps([(500, 0), (1_000, 0), (900, 0)], 10_000_000)).unwrap();
        assert!((found.per_s - 10_035.0).abs() < 1.0, "{found:?}");
        assert_eq!((found.in_flight, found.at_least), (16, false));
        let [low, high] = found.ends.unwrap();
        assert!(low < found.per_s && found.per_s < high && high / low < 1.1, "{found:?}");
        assert!((found.cpu_us_per_op - 89.7).abs() < 0.1, "{found:?}");
    }

    #[test]
    fn a_rate_at_which_operations_fail_is_no_capacity() {
        let found = capacity(&steps([(500, 0), (1_000, 11), (2_000, 1_000)], 0)).unwrap();
        assert_eq!(found.in_flight, 4);
        assert_eq!(capacity(&steps([(0, 10); 3], 0)), None);
        assert_eq!(capacity(&[]), None);
    }

    #[test]
    fn a_full_server_that_refuses_has_passed_its_capacity_and_a_limiter_that_refuses_has_not() {
        let of = |cause: &'static str| {
            let mut steps = steps([(500, 0), (1_000, 0), (900, 0)], 0);
            let mut refusing = slice_of(5_000, 0);
            (0..200).for_each(|_| refusing.refused.add(cause));
            steps[2].push(7, 90_000_000, 0, &refusing);
            capacity(&steps).unwrap().in_flight
        };
        assert_eq!((of(UNAVAILABLE), of("rate-limited")), (16, 64));
    }

    #[test]
    fn where_the_generator_could_not_do_more_capacity_is_at_least_that() {
        let busy = steps([(500, 0), (1_000, 0), (900, 0)], 95_000_000);
        assert!(capacity(&busy).unwrap().at_least);
        assert!(time_at_capacity(&busy).is_none(), "it says nothing of the arm");
    }
}
