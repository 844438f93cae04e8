//! The event loop of a lane: opens connections, sends due messages, and passes on received ones.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    iter::Peekable,
    time::Duration,
};

use super::{Again, Connections, LiveJourneys, LiveLimits, LiveRecord, Message, Moment, slot::Read};
use crate::{
    clock::{self, Nanos},
    journey::Begun,
    record::RateMeter,
    schedule::Schedule,
    sender::{
        SenderError, TICK, Target, connection::raise_file_limit, poll::Ready, release_queue::ReleaseQueue,
    },
};

/// Messages read from one connection before other connections get their turn.
const READS: usize = 64;

/// The plan of a run. Both schedules are open loops.
#[derive(Clone, Debug)]
pub struct LivePlan {
    /// The length of the sends.
    pub length: Duration,
    /// When connections are opened, in the order of their numbers. Open ones stay open.
    pub openings: Schedule,
    /// When messages are sent.
    pub sends: Schedule,
    /// The longest drain: how long the journeys may wait for messages in flight.
    pub settle: Duration,
}

/// One target and its connections.
pub struct LiveLane {
    connections: Connections,
    /// The limit of handshakes in progress.
    most_opening: usize,
    /// Connections that wait for a handshake, with their due times.
    waiting: VecDeque<(usize, Nanos)>,
    /// Connections that will reconnect, with the times.
    reconnects: BinaryHeap<Reverse<(Nanos, usize)>>,
    /// Connections with more to read, by token.
    unread: VecDeque<u64>,
}

/// The due times of a schedule.
struct DueTimes {
    start: Nanos,
    offsets: Schedule,
}

impl Iterator for DueTimes {
    type Item = Nanos;

    fn next(&mut self) -> Option<Nanos> {
        self.offsets.next().map(|offset| self.start.saturating_add(clock::nanos(offset)))
    }
}

/// The state of a run.
struct Run {
    start: Nanos,
    end: Nanos,
    /// The end of the longest drain.
    settled_by: Nanos,
    next_tick: Nanos,
    openings: Peekable<DueTimes>,
    /// The connections to open.
    fresh: std::vec::IntoIter<usize>,
    sends: ReleaseQueue<DueTimes>,
}

impl LiveLane {
    /// A lane without any connection yet.
    pub fn new(target: Target, limits: &LiveLimits) -> Result<Self, SenderError> {
        raise_file_limit(limits.connections);
        Ok(Self {
            connections: Connections::new(target, limits)?,
            most_opening: limits.opening.max(1),
            waiting: VecDeque::new(),
            reconnects: BinaryHeap::new(),
            unread: VecDeque::new(),
        })
    }

    /// The counts of the present or the last run.
    pub fn record(&self) -> &LiveRecord {
        &self.connections.record
    }

    /// Executes `plan`, and then receives until the journeys have settled. Connections stay open.
    ///
    /// `watch` gets the record every few milliseconds; the run is interrupted when it returns `false`.
    pub fn run(
        &mut self,
        journeys: &mut dyn LiveJourneys,
        plan: LivePlan,
        watch: &mut dyn FnMut(&LiveRecord) -> bool,
    ) -> Result<&LiveRecord, SenderError> {
        journeys.run_began(plan.length);
        let mut run = self.begin(plan);
        while self.turn(journeys, &mut run, watch)? {}
        let now = clock::now();
        let planned = self.connections.record.operations.planned;
        let record = &mut self.connections.record.operations;
        record.window = Duration::from_nanos(run.end.min(now).saturating_sub(run.start));
        record.elapsed = Duration::from_nanos(now - run.start);
        record.basis = self.connections.rate_meter.basis(now, planned);
        Ok(self.record())
    }

    /// Closes every connection with code 1000, and cancels reconnects.
    pub fn close(&mut self, journeys: &mut dyn LiveJourneys) {
        for connection in 0..self.connections.len() {
            self.connections.close(connection, 1000);
        }
        self.report_ended(journeys);
        self.waiting.clear();
        self.reconnects.clear();
    }

    fn begin(&mut self, plan: LivePlan) -> Run {
        self.connections.record.clear();
        let start = clock::now();
        let end = start.saturating_add(clock::nanos(plan.length));
        self.connections.rate_meter = RateMeter::new(start, end, true);
        let expected: BTreeSet<_> =
            self.reconnects.iter().map(|Reverse((_, connection))| *connection).collect();
        let is_fresh =
            |connection: &usize| self.connections.is_closed(*connection) && !expected.contains(connection);
        let fresh: Vec<_> = (0..self.connections.len()).filter(is_fresh).collect();
        Run {
            start,
            end,
            settled_by: end.saturating_add(clock::nanos(plan.settle)),
            next_tick: start,
            openings: DueTimes { start, offsets: plan.openings }.peekable(),
            fresh: fresh.into_iter(),
            sends: ReleaseQueue::new(DueTimes { start, offsets: plan.sends }),
        }
    }

    /// One iteration of the loop; `false` after the last.
    fn turn(
        &mut self,
        journeys: &mut dyn LiveJourneys,
        run: &mut Run,
        watch: &mut dyn FnMut(&LiveRecord) -> bool,
    ) -> Result<bool, SenderError> {
        let now = clock::now();
        self.open_due(journeys, run, now);
        self.send_due(journeys, run);
        self.report_ended(journeys);
        if now >= run.end && run.sends.release().is_none() && (journeys.is_settled() || now >= run.settled_by)
        {
            return Ok(false);
        }
        let wake = self.wake(run, now);
        for index in 0..self.connections.poller.wait(wake)? {
            if let Some(ready) = self.connections.poller.event(index) {
                self.handle(ready, journeys);
                if run.sends.release().is_some() {
                    self.send_due(journeys, run);
                }
            }
        }
        self.read_on(journeys);
        Ok(self.tick(journeys, run, watch))
    }

    /// The next due time; the poller also wakes every tick.
    fn wake(&self, run: &mut Run, now: Nanos) -> Option<Nanos> {
        let reconnect = self.reconnects.peek().map(|Reverse((at, _))| *at);
        let unread = (!self.unread.is_empty()).then_some(now);
        let end = (now < run.end).then_some(run.end);
        let opening = run.openings.peek().copied().filter(|_| run.fresh.len() > 0);
        let moments = [run.sends.release(), opening, reconnect, self.connections.next_resume(), unread, end];
        moments.into_iter().flatten().min()
    }

    /// Opens due connections, up to the limit of handshakes in progress.
    fn open_due(&mut self, journeys: &mut dyn LiveJourneys, run: &mut Run, now: Nanos) {
        while let Some(due) = run.openings.next_if(|due| *due <= now) {
            self.waiting.extend(run.fresh.next().map(|connection| (connection, due)));
        }
        while let Some(&Reverse((due, connection))) = self.reconnects.peek()
            && due <= now
        {
            self.reconnects.pop();
            self.waiting.push_back((connection, due));
        }
        while self.connections.opening() < self.most_opening
            && let Some((connection, due)) = self.waiting.pop_front()
        {
            let handshake = journeys.handshake(connection);
            self.connections.begin(connection, due, handshake);
        }
    }

    /// Executes due sends.
    fn send_due(&mut self, journeys: &mut dyn LiveJourneys, run: &mut Run) {
        let connections = &mut self.connections;
        let mut exhausted = false;
        run.sends.take(clock::now(), |due| {
            if exhausted {
                return;
            }
            let lag = clock::now().saturating_sub(due);
            exhausted = journeys.due(Moment(due), connections) == Begun::Exhausted;
            if !exhausted {
                let record = &mut connections.record.operations;
                record.planned += 1;
                record.sent += 1;
                record.send_lag.saturating_record(lag);
            }
        });
        if exhausted {
            run.sends.end();
        }
    }

    /// Handles an event.
    fn handle(&mut self, ready: Ready, journeys: &mut dyn LiveJourneys) {
        let Some(connection) = self.connections.by_token(ready.token) else { return };
        if self.connections.is_opening(connection) {
            if !(ready.writable || ready.readable) || !self.connections.handshake(connection) {
                return;
            }
            journeys.opened(connection, Moment::now(), &mut self.connections);
            // Frames behind the response to the handshake are in the library's buffer already: no further event reports them.
            return self.read(connection, journeys);
        }
        if ready.writable
            && let Err(why) = self.connections.flush(connection)
        {
            return self.connections.end(connection, why);
        }
        if ready.readable {
            self.read(connection, journeys);
        }
    }

    /// Passes on the received messages of a connection, at most [`READS`].
    fn read(&mut self, connection: usize, journeys: &mut dyn LiveJourneys) {
        for _ in 0..READS {
            let now = clock::now();
            let message = match self.connections.read(connection, now) {
                Read::Message(message) => message,
                Read::Nothing => return,
                Read::Ended(why) => return self.connections.end(connection, why),
            };
            let message = match &message {
                tungstenite::Message::Text(text) => Message::Text(text.as_str()),
                tungstenite::Message::Binary(bytes) => Message::Binary(bytes),
                _ => continue,
            };
            journeys.received(connection, message, Moment::now(), &mut self.connections);
        }
        self.unread.push_back(self.connections.token(connection));
    }

    /// Continues reading after [`READS`] messages and after stalls: epoll is edge-triggered and reports neither.
    fn read_on(&mut self, journeys: &mut dyn LiveJourneys) {
        for _ in 0..self.unread.len() {
            let connection = self.unread.pop_front().and_then(|token| self.connections.by_token(token));
            if let Some(connection) = connection {
                self.read(connection, journeys);
            }
        }
        while let Some(connection) = self.connections.resumed(clock::now()) {
            self.read(connection, journeys);
        }
    }

    /// Reports ended connections to the journeys, and schedules reconnects.
    fn report_ended(&mut self, journeys: &mut dyn LiveJourneys) {
        while let Some((connection, why)) = self.connections.ended.pop_front() {
            match journeys.closed(connection, why, Moment::now(), &mut self.connections) {
                Again::Never => {}
                Again::After(time) => {
                    let at = clock::now().saturating_add(clock::nanos(time));
                    self.reconnects.push(Reverse((at, connection)));
                }
            }
        }
    }

    /// On a tick: handles time-outs, and asks `watch` whether to continue.
    fn tick(
        &mut self,
        journeys: &mut dyn LiveJourneys,
        run: &mut Run,
        watch: &mut dyn FnMut(&LiveRecord) -> bool,
    ) -> bool {
        let now = clock::now();
        if now < run.next_tick {
            return true;
        }
        run.next_tick = now + clock::nanos(TICK);
        self.connections.expire(now);
        journeys.tick(Moment(now), &mut self.connections);
        if watch(&self.connections.record) {
            return true;
        }
        run.end = run.end.min(now);
        self.connections.rate_meter.cut(now);
        self.connections.record.operations.interrupted = true;
        false
    }
}
