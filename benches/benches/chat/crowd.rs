//! The members of one or several rooms, each with a connection, and what they receive: the same for every server.

use std::{collections::HashMap, time::Duration};

use anyhow::{Result, ensure};
use load::{
    journey::{Begun, Outcome},
    record::{Histogram, histogram},
    schedule::{Arrivals, Profile, Schedule},
    sender::{
        Target,
        live::{
            Again, Connections, Ended, Handshake, LiveJourneys, LiveLane, LiveLimits, LivePlan, LiveRecord,
            Message, Moment, Sends,
        },
    },
};

use super::{
    publisher::Publisher,
    servers::{Heard, Member, Room, Server},
};

/// The time limit for all members to join.
const JOIN_WITHIN: Duration = Duration::from_mins(1);
/// Handshakes at once: a server refuses requests beyond those that it works on.
const OPENING: usize = 32;
/// The time limit for the messages in flight at the end of a slice.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// Connected members.
pub(crate) struct Crowd {
    lane: LiveLane,
    members: Members,
}

/// What members received in a slice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    /// Messages to one member.
    pub(crate) deliveries: u64,
    /// Their latencies in nanoseconds, from when the message was due.
    pub(crate) latencies: Histogram<u64>,
}

impl Crowd {
    /// Connects these members.
    pub(crate) fn join(server: &dyn Server, members: &[Member]) -> Result<Self> {
        let limits = LiveLimits { connections: members.len(), opening: OPENING, ..LiveLimits::default() };
        let mut lane = LiveLane::new(Target::at(server.name(), server.address()), &limits)?;
        let mut members = Members::new(server, members);
        let have_joined = lane.make_ready(&mut members, JOIN_WITHIN, &mut || true)?;
        ensure!(have_joined, "`{}`: not all members could join: {:?}", server.name(), members.lost);
        Ok(Self { lane, members })
    }

    /// Sends messages to a room with these texts for so long, and receives them. `watch` is called every few milliseconds.
    pub(crate) fn talk(
        &mut self,
        room: &mut Talk,
        rate: f64,
        length: Duration,
        watch: &mut dyn FnMut(),
    ) -> Result<Received> {
        let sends = Schedule::new(Arrivals::Constant, &Profile::Steady { rate }, 1, length);
        room.sent += sends.clone().count() as u64;
        let expected = room.sent;
        self.members.publisher = room.publisher.take();
        let received = self.run(length, sends.into(), watch);
        room.publisher = self.members.publisher.take();
        let failure = room.publisher.as_ref().and_then(Publisher::failure);
        ensure!(failure.is_none(), "a message could not be sent: {}", failure.unwrap_or_default());
        let received = received?;
        let answered = room.publisher.as_ref().map_or(0, Publisher::answered);
        ensure!(answered == expected, "{answered} of {expected} messages were sent in time");
        let missing: usize = self.members.pending.values().sum();
        ensure!(missing == 0, "{missing} deliveries are missing");
        Ok(received)
    }

    /// Only receives, for so long.
    pub(crate) fn idle(&mut self, length: Duration) -> Result<()> {
        self.run(length, Sends::none(), &mut || {}).map(|_| ())
    }

    fn run(&mut self, length: Duration, sends: Sends, watch: &mut dyn FnMut()) -> Result<Received> {
        let plan = LivePlan { length, openings: Schedule::never(), sends, settle: ARRIVES_WITHIN };
        let mut watch = |_: &LiveRecord| {
            watch();
            true
        };
        self.members.received = Received::none();
        self.lane.run(&mut self.members, plan, &mut watch)?;
        ensure!(self.members.lost.is_none(), "a member's connection has ended: {:?}", self.members.lost);
        Ok(std::mem::replace(&mut self.members.received, Received::none()))
    }
}

/// The sending half of a conversation in one room.
pub(crate) struct Talk {
    publisher: Option<Publisher>,
    sent: u64,
}

impl Talk {
    /// Sends to a room, with texts of so many bytes.
    pub(crate) fn begin(server: &dyn Server, room: &Room, bytes: usize) -> Self {
        Self { publisher: Some(Publisher::start(server, room, bytes)), sent: 0 }
    }
}

impl Received {
    fn none() -> Self {
        Self { deliveries: 0, latencies: histogram() }
    }
}

struct Members {
    all: Vec<Member>,
    joined: Vec<bool>,
    hears: fn(&str) -> Heard,
    joins_by_handshake: bool,
    /// Members that have not received a message yet, by its due time.
    pending: HashMap<u64, usize>,
    sent: u64,
    publisher: Option<Publisher>,
    received: Received,
    /// Why a connection has ended, if one has.
    lost: Option<Ended>,
}

impl Members {
    fn new(server: &dyn Server, members: &[Member]) -> Self {
        Self {
            all: members.to_vec(),
            joined: vec![false; members.len()],
            hears: server.hears(),
            joins_by_handshake: server.joins_by_handshake(),
            pending: HashMap::new(),
            sent: 0,
            publisher: None,
            received: Received::none(),
            lost: None,
        }
    }

    fn delivered(&mut self, due: u64, at: Moment, connections: &mut Connections) {
        self.received.deliveries += 1;
        let due = Moment::from_nanos(due);
        self.received.latencies.saturating_record(at.since(due).as_nanos() as u64);
        if let Some(missing) = self.pending.get_mut(&due.nanos()) {
            *missing -= 1;
            if *missing == 0 {
                self.pending.remove(&due.nanos());
                connections.operation_ended("message", due, Outcome::Success);
            }
        }
    }
}

impl LiveJourneys for Members {
    fn is_ready(&self, _: &Connections) -> bool {
        self.joined.iter().all(|joined| *joined)
    }

    fn handshake(&mut self, connection: usize) -> Handshake {
        self.all[connection].handshake.clone()
    }

    fn opened(&mut self, connection: usize, _: Moment, connections: &mut Connections) {
        if let Some(greeting) = &self.all[connection].greeting {
            let _ = connections.send(connection, greeting.clone());
        }
        self.joined[connection] = self.joins_by_handshake;
    }

    fn due(&mut self, due: Moment, _: &mut Connections) -> Begun {
        self.pending.insert(due.nanos(), self.all.len());
        self.sent += 1;
        if let Some(publisher) = &self.publisher {
            publisher.publish(due.nanos());
        }
        Begun::Written
    }

    fn received(
        &mut self,
        connection: usize,
        message: Message<'_>,
        at: Moment,
        connections: &mut Connections,
    ) {
        let Message::Text(text) = message else { return };
        // Centrifugo puts several messages into one frame, a line each.
        for line in text.split('\n') {
            match (self.hears)(line) {
                Heard::Joined => self.joined[connection] = true,
                Heard::Delivered(due) => self.delivered(due, at, connections),
                Heard::Ping => {
                    let _ = connections.send(connection, line.to_owned());
                }
                Heard::Nothing => {}
            }
        }
    }

    fn closed(&mut self, _: usize, why: Ended, _: Moment, _: &mut Connections) -> Again {
        self.lost.get_or_insert(why);
        Again::Never
    }

    fn is_settled(&self) -> bool {
        let answered = self.publisher.as_ref().is_none_or(|publisher| publisher.answered() == self.sent);
        self.pending.is_empty() && answered
    }
}
