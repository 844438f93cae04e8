//! One target, several threads, one record: the load for a single question, "how does this behave at this
//! rate?".

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    record::SliceRecord,
    schedule::{Arrivals, Piece, Profile},
    sender::{Arm, Limits, Load, Observer, Sender, SenderError, Slice},
};

/// The interval of progress reports.
const PROGRESS: Duration = Duration::from_millis(500);

/// A steady load.
#[derive(Clone, Debug, PartialEq)]
pub struct Steady {
    /// The load, over all threads.
    pub load: Load,
    /// The length.
    pub length: Duration,
    /// The number of threads, at least one.
    pub threads: usize,
    /// The limits of all threads together.
    pub limits: Limits,
    /// Whether operations carry a `traceparent`.
    pub traced: bool,
}

/// The progress of a steady load, over all threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SoFar {
    /// The time since the start.
    pub elapsed: Duration,
    /// Operations sent.
    pub sent: u64,
    /// Operations that ended well.
    pub succeeded: u64,
    /// Operations that were refused.
    pub refused: u64,
    /// Operations that failed or were never sent.
    pub failed: u64,
}

/// Runs the first arm of a prepared sender, and forks of its journeys on further threads.
///
/// Calls `progress` about every half second on the calling thread; the load ends early if it returns `false`.
/// The record's window and elapsed time are the longest of the threads', and its rates their sum.
pub fn run(
    sender: &mut Sender,
    steady: &Steady,
    progress: &mut dyn FnMut(&SoFar) -> bool,
) -> Result<SliceRecord, SenderError> {
    let threads = steady.threads.max(1);
    let mut senders = further_senders(sender, steady, threads)?;
    if threads > 1 {
        sender.limit(0, &limits_of(steady, 0, threads));
    }
    senders.insert(0, Part::Given(sender));
    let stop = AtomicBool::new(false);
    let boards: Vec<Mutex<SoFar>> = (0..threads).map(|_| Mutex::default()).collect();
    thread::scope(|scope| {
        let running: Vec<_> = senders
            .into_iter()
            .enumerate()
            .map(|(nth, mut part)| {
                let (board, stop) = (&boards[nth], &stop);
                let load = share(&steady.load, nth, threads);
                scope.spawn(move || run_part(part.sender(), steady, &load, board, stop))
            })
            .collect();
        watch(&running, &boards, &stop, progress);
        let mut merged: Option<SliceRecord> = None;
        for thread in running {
            let record = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            match &mut merged {
                None => merged = Some(record),
                Some(merged) => merged.join(&record),
            }
        }
        Ok(merged.unwrap_or_default())
    })
}

/// The given sender, or one for a further thread.
enum Part<'a> {
    Given(&'a mut Sender),
    Made(Sender),
}

impl Part<'_> {
    fn sender(&mut self) -> &mut Sender {
        match self {
            Self::Given(sender) => sender,
            Self::Made(sender) => sender,
        }
    }
}

fn further_senders<'a>(
    sender: &Sender,
    steady: &Steady,
    threads: usize,
) -> Result<Vec<Part<'a>>, SenderError> {
    let made = |nth: usize| {
        let arm = Arm { target: sender.target(0).clone(), journeys: sender.journeys(0).fork(nth as u64) };
        Ok(Part::Made(Sender::new(vec![arm], &limits_of(steady, nth, threads))?))
    };
    (1..threads).map(made).collect()
}

/// The limits of one of several threads; together they have the load's limits, but at least one connection
/// each.
fn limits_of(steady: &Steady, nth: usize, of: usize) -> Limits {
    Limits {
        connections: part(steady.limits.connections, nth, of).max(1),
        waiting: part(steady.limits.waiting, nth, of),
        ..steady.limits
    }
}

/// The `nth` of `of` parts of a whole, as even as possible.
fn part(whole: usize, nth: usize, of: usize) -> usize {
    whole / of + usize::from(nth < whole % of)
}

/// One thread's part of a load.
fn share(load: &Load, nth: usize, of: usize) -> Load {
    let share = 1.0 / of as f64;
    match load {
        Load::Closed { in_flight } => Load::Closed { in_flight: part(*in_flight, nth, of) },
        Load::Open { arrivals: Arrivals::Constant, profile, seed }
            if !matches!(profile, Profile::Trace(_)) =>
        {
            // Each thread takes its beats of one metronome, so that together they send evenly.
            Load::Open { arrivals: Arrivals::Beats { nth, of }, profile: profile.clone(), seed: *seed }
        }
        Load::Open { arrivals, profile, seed } => {
            let profile = match profile {
                Profile::Steady { rate } => Profile::Steady { rate: rate * share },
                Profile::Ramp { from, to } => Profile::Ramp { from: from * share, to: to * share },
                Profile::Step { from, to, at } => {
                    Profile::Step { from: from * share, to: to * share, at: *at }
                }
                Profile::Spike { base, peak, at, lasting } => {
                    Profile::Spike { base: base * share, peak: peak * share, at: *at, lasting: *lasting }
                }
                Profile::Phases(pieces) => {
                    let less =
                        |piece: &Piece| Piece { from: piece.from * share, to: piece.to * share, ..*piece };
                    Profile::Phases(pieces.iter().map(less).collect())
                }
                Profile::Trace(offsets) => {
                    Profile::Trace(offsets.iter().skip(nth).step_by(of).copied().collect())
                }
            };
            Load::Open { arrivals: *arrivals, profile, seed: seed.wrapping_add(nth as u64) }
        }
    }
}

fn run_part(
    sender: &mut Sender,
    steady: &Steady,
    load: &Load,
    board: &Mutex<SoFar>,
    stop: &AtomicBool,
) -> Result<SliceRecord, SenderError> {
    sender.traced(steady.traced);
    let slice = Slice { round: 0, index: 0, arm: 0, length: steady.length, offset: Duration::ZERO };
    let mut teller = Teller { board, stop, record: None };
    sender.run_slice(&slice, load, &mut teller)?;
    Ok(teller.record.unwrap_or_default())
}

/// Publishes the progress of one thread on its board.
struct Teller<'a> {
    board: &'a Mutex<SoFar>,
    stop: &'a AtomicBool,
    record: Option<SliceRecord>,
}

impl Observer for Teller<'_> {
    fn progress(&mut self, _slice: &Slice, so_far: &SliceRecord) {
        let told = SoFar {
            elapsed: Duration::ZERO,
            sent: so_far.sent,
            succeeded: so_far.succeeded,
            refused: so_far.refused.total(),
            failed: so_far.failed.total(),
        };
        *self.board.lock().unwrap_or_else(PoisonError::into_inner) = told;
    }

    fn slice_ended(&mut self, slice: &Slice, record: &SliceRecord) {
        self.progress(slice, record);
        self.record = Some(record.clone());
    }

    fn keep_going(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Reports the sum of the boards until every thread has ended.
fn watch<T>(
    running: &[thread::ScopedJoinHandle<'_, T>],
    boards: &[Mutex<SoFar>],
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&SoFar) -> bool,
) {
    let began = Instant::now();
    let mut next = began + PROGRESS;
    while !running.iter().all(thread::ScopedJoinHandle::is_finished) {
        thread::sleep(Duration::from_millis(20));
        if Instant::now() < next {
            continue;
        }
        next += PROGRESS;
        let mut sum = SoFar { elapsed: began.elapsed(), ..SoFar::default() };
        for board in boards {
            let part = *board.lock().unwrap_or_else(PoisonError::into_inner);
            sum.sent += part.sent;
            sum.succeeded += part.succeeded;
            sum.refused += part.refused;
            sum.failed += part.failed;
        }
        if !progress(&sum) {
            stop.store(true, Ordering::Relaxed);
        }
    }
}
