//! The event loop of a lane: opens connections, sends due messages, and passes on received ones.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap, VecDeque},
    time::Duration,
};

use super::{
    Again, Connections, LiveJourneys, LiveLimits, LiveRecord, Message, Moment, run::Run, slot::Read,
};
use crate::{
    clock::{self, Nanos},
    episode::Episode,
    schedule::Schedule,
    sender::{SenderError, Target, connection::raise_file_limit, poll::Ready},
};

/// Messages read from one connection before other connections get their turn.
const READS: usize = 64;

/// The plan of a run.
#[derive(Clone, Debug)]
pub struct LivePlan {
    /// The length of the sends.
    pub length: Duration,
    /// When connections are opened, in the order of their numbers. Open ones stay open.
    pub openings: Schedule,
    /// When messages are sent.
    pub sends: Sends,
    /// The longest drain: how long the journeys may wait for messages in flight.
    pub settle: Duration,
}

/// What starts the operations of a run.
#[derive(Clone, Debug)]
pub enum Sends {
    /// An open loop: a schedule.
    Due(Schedule),
    /// A closed loop: so many operations are in flight, and the end of one starts the next.
    InFlight(usize),
}

impl Sends {
    /// Nothing is sent.
    pub fn none() -> Self {
        Self::InFlight(0)
    }
}

impl From<Schedule> for Sends {
    fn from(schedule: Schedule) -> Self {
        Self::Due(schedule)
    }
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

    /// Records what happens over the time of the following runs, or does not.
    pub(in super::super) fn watched(&mut self, watched: bool) {
        self.connections.meters.watched(watched);
    }

    /// Switches tracing for the following operations; see [`Connections::traceparent`].
    pub(in super::super) fn traced(&mut self, traced: bool) {
        self.connections.traced(traced);
    }

    /// Makes room for what happens over the time of a run, before it begins.
    pub(in super::super) fn make_room(&mut self, length: Duration) {
        self.connections.meters.make_room(length);
    }

    pub(in super::super) fn episode(&self) -> Option<Episode> {
        self.connections.meters.episode()
    }

    /// Executes `plan`, and then receives until the journeys have settled. Connections stay open.
    ///
    /// `watch` gets the record every few milliseconds; when it returns `false`, nothing more is started, and the run ends
    /// after its drain.
    pub fn run(
        &mut self,
        journeys: &mut dyn LiveJourneys,
        plan: LivePlan,
        watch: &mut dyn FnMut(&LiveRecord) -> bool,
    ) -> Result<&LiveRecord, SenderError> {
        journeys.run_began(plan.length);
        let mut run = self.begin(journeys, plan);
        loop {
            self.act(journeys, &mut run);
            if run.is_over(clock::now(), journeys.is_settled()) {
                break;
            }
            self.hear(journeys, &mut run, None)?;
            self.tick(journeys, &mut run, watch);
        }
        let now = clock::now();
        let Connections { record, meters, .. } = &mut self.connections;
        record.operations.window = run.window(now);
        record.operations.elapsed = Duration::from_nanos(now - run.start);
        record.operations.basis = meters.basis(now, record.operations.planned);
        record.operations.requests = record.sent;
        (record.operations.bytes_out, record.operations.bytes_in) = (record.bytes_out, record.bytes_in);
        Ok(self.record())
    }

    /// Opens every wanted connection that is not open, and receives until the journeys are ready; for `within` at most.
    /// Returns whether they are.
    ///
    /// What comes meanwhile is in the record of no run. `keep_going` is asked every few milliseconds.
    pub fn make_ready(
        &mut self,
        journeys: &mut dyn LiveJourneys,
        within: Duration,
        keep_going: &mut dyn FnMut() -> bool,
    ) -> Result<bool, SenderError> {
        let openings = Schedule::at_once(self.connections.len());
        let plan = LivePlan { length: within, openings, sends: Sends::none(), settle: Duration::ZERO };
        let mut run = self.begin(journeys, plan);
        // Ends of connections may wait to be read, since they were closed while nobody looked. So it looks until nothing is
        // there, or until it has looked once at each.
        let mut looks = 0;
        loop {
            self.act(journeys, &mut run);
            let (now, is_ready) = (clock::now(), journeys.is_ready(&self.connections));
            looks = if is_ready { looks + 1 } else { 0 };
            let heard = self.hear(journeys, &mut run, is_ready.then_some(now))?;
            self.report_ended(journeys);
            let is_still = heard == 0 || looks > self.connections.len();
            if is_still && journeys.is_ready(&self.connections) {
                return Ok(true);
            }
            if now >= run.end || !self.tick(journeys, &mut run, &mut |_| keep_going()) {
                return Ok(false);
            }
        }
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

    fn begin(&mut self, journeys: &dyn LiveJourneys, plan: LivePlan) -> Run {
        self.connections.record.clear();
        let reopened = self.reconnects.iter().map(|Reverse((_, connection))| *connection);
        let expected: BTreeSet<_> =
            reopened.chain(self.waiting.iter().map(|(connection, _)| *connection)).collect();
        let is_fresh = |connection: &usize| {
            self.connections.is_closed(*connection)
                && !expected.contains(connection)
                && journeys.is_wanted(*connection)
        };
        let fresh: Vec<_> = (0..self.connections.len()).filter(is_fresh).collect();
        let run = Run::new(plan, fresh);
        self.connections.meters.begin(run.start, run.end, run.is_open_loop());
        run
    }

    /// Does what is due.
    fn act(&mut self, journeys: &mut dyn LiveJourneys, run: &mut Run) {
        self.open_due(journeys, run, clock::now());
        run.send(journeys, &mut self.connections);
        self.report_ended(journeys);
    }

    /// Waits for events until something is due, or until `wake`, and handles them. Returns how many there were.
    fn hear(
        &mut self,
        journeys: &mut dyn LiveJourneys,
        run: &mut Run,
        wake: Option<Nanos>,
    ) -> Result<usize, SenderError> {
        let wake = wake.or_else(|| self.wake(run));
        let mut heard = self.unread.len();
        for index in 0..self.connections.poller.wait(wake)? {
            if let Some(ready) = self.connections.poller.event(index) {
                heard += 1;
                self.handle(ready, journeys);
                run.send(journeys, &mut self.connections);
            }
        }
        self.read_on(journeys);
        Ok(heard)
    }

    /// The next due time; the poller also wakes every tick.
    fn wake(&self, run: &mut Run) -> Option<Nanos> {
        let now = clock::now();
        let reconnect = self.reconnects.peek().map(|Reverse((at, _))| *at);
        let unread = (!self.unread.is_empty()).then_some(now);
        let moments = [run.wake(now, &self.connections), reconnect, self.connections.next_resume(), unread];
        moments.into_iter().flatten().min()
    }

    /// Opens due connections, up to the limit of handshakes in progress.
    fn open_due(&mut self, journeys: &mut dyn LiveJourneys, run: &mut Run, now: Nanos) {
        while let Some(opening) = run.next_opening(now) {
            self.waiting.push_back(opening);
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

    /// On a tick: handles time-outs, and asks `watch` whether to continue, until the drain. Returns its answer.
    fn tick(
        &mut self,
        journeys: &mut dyn LiveJourneys,
        run: &mut Run,
        watch: &mut dyn FnMut(&LiveRecord) -> bool,
    ) -> bool {
        let now = clock::now();
        if !run.takes_tick(now) {
            return true;
        }
        self.connections.expire(now);
        journeys.tick(Moment(now), &mut self.connections);
        if now >= run.end || watch(&self.connections.record) {
            return true;
        }
        run.interrupt(now);
        self.connections.meters.cut(now);
        self.connections.record.operations.interrupted = true;
        false
    }
}
