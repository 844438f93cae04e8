//! The two loops: open, where a schedule starts operations, and closed, where replies do.

use std::time::Duration;

use super::{
    Observer, SenderError, Slice, TICK,
    lane::{Lane, Started},
    release_queue::ReleaseQueue,
};
use crate::{
    clock::{self, Nanos},
    journey::Journeys,
    record::SliceRecord,
    schedule::Schedule,
};

/// The time by which a drain may exceed the time-out before it is aborted.
const GRACE: Duration = Duration::from_secs(1);
/// The interval of an observer's progress.
const PROGRESS: Duration = Duration::from_millis(500);

/// A loop calls this on every tick; it stops the loop by returning `false`.
pub(super) type Watch<'a> = &'a mut dyn FnMut(&SliceRecord) -> bool;

/// Runs one slice in open loop.
pub(super) fn open(
    lane: &mut Lane,
    journeys: &mut dyn Journeys,
    schedule: Schedule,
    slice: &Slice,
    observer: &mut dyn Observer,
) -> Result<(), SenderError> {
    watched(slice, observer, |watch| open_loop(lane, journeys, schedule, slice.length, watch))
}

/// Runs one slice in closed loop.
pub(super) fn closed(
    lane: &mut Lane,
    journeys: &mut dyn Journeys,
    in_flight: usize,
    slice: &Slice,
    observer: &mut dyn Observer,
) -> Result<(), SenderError> {
    watched(slice, observer, |watch| closed_loop(lane, journeys, in_flight, slice.length, watch))
}

/// Runs with a watch that reports progress to the observer, and asks it whether to go on.
pub(super) fn watched<T>(slice: &Slice, observer: &mut dyn Observer, run: impl FnOnce(Watch<'_>) -> T) -> T {
    let mut next = clock::now() + clock::nanos(PROGRESS);
    run(&mut |record| {
        let now = clock::now();
        if now >= next {
            next = now + clock::nanos(PROGRESS);
            observer.progress(slice, record);
        }
        observer.keep_going()
    })
}

fn open_loop(
    lane: &mut Lane,
    journeys: &mut dyn Journeys,
    schedule: Schedule,
    length: Duration,
    watch: Watch<'_>,
) -> Result<(), SenderError> {
    let mut span = Span::starting_now(length);
    lane.meters.begin(span.start, span.end, true);
    let start = span.start;
    let mut queue = ReleaseQueue::new(schedule.map(move |offset| start + clock::nanos(offset)));
    // Walkthrough. Each iteration sends the operations whose release time has come, then sleeps in
    // `epoll_wait` until the next release time, the end of the slice, a socket event or a tick of 10 ms. A
    // batch has at most 32 events, and due operations are sent after each event: a burst of replies cannot
    // delay a send by more than the handling of one reply. After the end of the slice the loop drains what is
    // in flight; `tick` ends overdue operations, and aborts a drain that exceeds the time-out by more than
    // `GRACE`.
    loop {
        let now = clock::now();
        queue.take(now, |due| lane.handle_due(journeys, due));
        let next = queue.release();
        if next.is_none() && now >= span.end && lane.is_quiet() {
            break;
        }
        let wake = next.or((now < span.end).then_some(span.end));
        for index in 0..lane.poller.wait(wake)? {
            if let Some(ready) = lane.poller.event(index) {
                lane.handle(ready, journeys);
                lane.serve_waiting(journeys);
                if queue.release().is_some() {
                    queue.take(clock::now(), |due| lane.handle_due(journeys, due));
                }
            }
        }
        if !span.tick(lane, journeys, watch) {
            queue.end();
        }
        // A time-out frees a slot without a reply that would lead to `serve_waiting`.
        lane.serve_waiting(journeys);
    }
    span.close(lane);
    Ok(())
}

/// Keeps `in_flight` operations in flight for `length`, or until the journeys are exhausted.
pub(super) fn closed_loop(
    lane: &mut Lane,
    journeys: &mut dyn Journeys,
    in_flight: usize,
    length: Duration,
    watch: Watch<'_>,
) -> Result<(), SenderError> {
    let mut span = Span::starting_now(length);
    lane.meters.begin(span.start, span.end, false);
    let mut exhausted = false;
    loop {
        let now = clock::now();
        exhausted = exhausted || now >= span.end || !fill(lane, journeys, in_flight, now);
        if exhausted && lane.is_quiet() {
            break;
        }
        for index in 0..lane.poller.wait((!exhausted).then_some(span.end))? {
            if let Some(ready) = lane.poller.event(index) {
                lane.handle(ready, journeys);
                exhausted = exhausted || !fill(lane, journeys, in_flight, clock::now());
            }
        }
        exhausted |= !span.tick(lane, journeys, watch);
    }
    span.close(lane);
    Ok(())
}

/// Starts operations until `in_flight` are in flight; `false` if the journeys are exhausted.
fn fill(lane: &mut Lane, journeys: &mut dyn Journeys, in_flight: usize, now: Nanos) -> bool {
    while lane.slots.in_flight() < in_flight && now >= lane.resume {
        match lane.start(journeys, now, now) {
            Started::Taken => lane.record.planned += 1,
            Started::Busy => break,
            Started::Exhausted => return false,
        }
    }
    true
}

/// The time span of a loop, and its ticks.
struct Span {
    start: Nanos,
    end: Nanos,
    next_tick: Nanos,
}

impl Span {
    fn starting_now(length: Duration) -> Self {
        let start = clock::now();
        Self { start, end: start.saturating_add(clock::nanos(length)), next_tick: start }
    }

    /// On a tick: ends overdue operations, and asks `watch`; `false` if the loop must start nothing more.
    fn tick(&mut self, lane: &mut Lane, journeys: &mut dyn Journeys, watch: Watch<'_>) -> bool {
        let now = clock::now();
        if now < self.next_tick {
            return true;
        }
        self.next_tick = now + clock::nanos(TICK);
        lane.expire(now, journeys);
        if now < self.end && !watch(&lane.record) {
            self.end = now;
            lane.meters.cut(now);
            lane.record.interrupted = true;
            return false;
        }
        if now >= self.end.saturating_add(lane.timeout() + clock::nanos(GRACE)) {
            lane.abandon(now, journeys);
        }
        true
    }

    fn close(&self, lane: &mut Lane) {
        let now = clock::now();
        lane.record.window = Duration::from_nanos(self.end.min(now) - self.start);
        lane.record.elapsed = Duration::from_nanos(now - self.start);
        lane.record.basis = lane.meters.basis(now, lane.record.planned);
    }
}
