//! After each slice: reads the CPU clocks, and keeps or discards each round in which every arm had its turn.

use std::{cell::Cell, time::Duration};

use load::{
    record::SliceRecord,
    sender::{Observer, Slice},
};
use runtimes::{interrupt::Interrupt, launch::Launch, measure::CpuMeter};

use super::{gathered::Gathered, over_time::Sampler, progress::Phase};

/// An operation that the generator handles later than this is late, and a slice with too many of them is
/// void: that much of its latencies would be the generator's own.
pub(super) const SEND_LAG_BOUND: Duration = Duration::from_millis(1);

/// Observes measured slices.
pub(super) struct Rounds<'a> {
    pub(super) gathered: &'a mut Gathered,
    pub(super) launch: &'a mut Launch,
    pub(super) number: u32,
    /// The index of each of the sender's arms in the run: all arms in paired mode, one in an episode.
    pub(super) arms: &'a [usize],
    pub(super) interrupt: &'a Interrupt,
    pub(super) phase: &'a Phase,
    sampler: Option<&'a Sampler>,
    meters: Vec<CpuMeter>,
    read: Vec<Vec<u64>>,
    pending: Vec<Option<SliceRecord>>,
    died: Cell<bool>,
}

impl<'a> Rounds<'a> {
    pub(super) fn new(
        gathered: &'a mut Gathered,
        launch: &'a mut Launch,
        number: u32,
        arms: &'a [usize],
        interrupt: &'a Interrupt,
        phase: &'a Phase,
    ) -> Self {
        let mut meters: Vec<CpuMeter> = launch.arms.iter().map(|arm| CpuMeter::new(&arm.groups())).collect();
        let read = meters.iter_mut().map(CpuMeter::read).collect();
        let pending = arms.iter().map(|_| None).collect();
        Self {
            gathered,
            launch,
            number,
            arms,
            interrupt,
            phase,
            sampler: None,
            meters,
            read,
            pending,
            died: Cell::new(false),
        }
    }

    /// Also signals the start of each slice to a sampler.
    pub(super) fn sampled_by(self, sampler: &'a Sampler) -> Self {
        Self { sampler: Some(sampler), ..self }
    }

    /// Ends a round. Its cost is the CPU time since the last round, so work after the replies is included.
    fn end_round(&mut self) {
        // Walkthrough of the void rule (which rejects invalid measurements, and no outliers: it looks at the generator's
        // lateness, and never at the system's figures). A slice is void if too many of its operations were late, because the
        // machine took the processor from the generator: its latencies then measure the machine. Arms are
        // compared round by round, so a round with one void slice is discarded for all arms; otherwise the
        // arms would cover different times, and a disturbance would no longer cancel in their ratio. The
        // clocks are read in any case: the next round counts from here, so a discarded round leaves no trace
        // in its neighbours.
        let records: Vec<SliceRecord> = self.pending.iter_mut().filter_map(Option::take).collect();
        let now: Vec<Vec<u64>> = self.meters.iter_mut().map(CpuMeter::read).collect();
        let void = records.iter().filter(|record| record.is_void(SEND_LAG_BOUND)).count() as u64;
        let interrupted = records.iter().any(|record| record.interrupted);
        self.gathered.void_slices += void;
        // An episode is one arm's turn; the round ends with the last arm's.
        let whole = records.len() == self.gathered.arms.len() && self.arms.len() > 1;
        self.gathered.rounds += u64::from(whole && void == 0 && !interrupted);
        for (place, record) in records.iter().enumerate() {
            let arm = &mut self.gathered.arms[self.arms[place]];
            arm.counted += record.succeeded;
            // A round that is void for one arm is left out for all, so that arms keep covering the same time.
            // An episode has no partner: it is kept, and a run with many void ones has no verdict.
            let counts = void == 0 || self.arms.len() == 1;
            if counts && !interrupted {
                let used: Vec<u64> =
                    now[place].iter().zip(&self.read[place]).map(|(now, before)| now - before).collect();
                arm.push(self.number, &used, record);
            }
        }
        self.read = now;
    }
}

impl Observer for Rounds<'_> {
    fn slice_started(&mut self, _: &Slice) {
        if let Some(sampler) = self.sampler {
            sampler.slice_started();
        }
    }

    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        self.gathered.slices += 1;
        let _ = self.gathered.send_lag.add(&record.send_lag);
        self.pending[slice.arm] = Some(record.clone());
        if self.pending.iter().all(Option::is_some) {
            self.end_round();
        }
        self.phase.at(slice.index + 1);
        if let Some(death) = self.launch.death() {
            let when = (slice.offset + slice.length).as_secs_f64();
            self.gathered.death = Some((death, when));
            self.died.set(true);
        }
    }

    fn keep_going(&self) -> bool {
        !self.interrupt.is_asked() && !self.died.get()
    }
}

/// Observes slices that are not measured.
pub(super) struct Unmeasured<'a>(pub(super) &'a Interrupt);

impl Observer for Unmeasured<'_> {
    fn slice_ended(&mut self, _: &Slice, _: &SliceRecord) {}

    fn keep_going(&self) -> bool {
        !self.0.is_asked()
    }
}
