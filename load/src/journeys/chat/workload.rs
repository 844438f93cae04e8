//! The connections of all members, and what is sent over them.
//!
//! A message is waited for at each member of its room who reads the log when it is sent: also at one whose connection is down
//! and comes back with its position, which is the case for which there are positions. It is not waited for at one who reads
//! slowly on purpose, is being removed, or was sent to the history.
//!
//! - this file: what the lane asks;
//! - `receiving`: what arrives;
//! - `churn`: members who are removed and added again.

use std::{sync::Arc, time::Duration};

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::{
    back_off::codes,
    churn::Churn,
    crowd::Crowd,
    frames::{self, Position},
    ledger_state::{LedgerState, Seen},
    member::{Link, Member, Standing},
    mix::Mix,
    opinion::Opinion,
    pending::{Done, LIMIT, Message, Pending},
    receiving::Heard,
    sessions::Sessions,
    timeline::{Course, Drawn},
};
use crate::{
    journey::{Begun, Failure, Outcome},
    journeys::KindShape,
    live::{self, Again, Connections, Ended, Handshake, LiveJourneys, Moment, OperationEnd},
    series::Series,
};

/// A message is sent, and arrives at all members of its room.
pub(super) const SEND: &str = "send";

/// The words of reports for these kinds.
pub(super) const KINDS: [KindShape; 1] = [KindShape::new(SEND, "message sent, and delivered to all members")];

/// How often a sender is drawn at random before one is looked for.
const DRAWS: usize = 8;
/// The code with which a client closes that goes away.
const GOING_AWAY: u16 = 1001;
/// The code with which a client closes that has finished.
const NORMAL: u16 = 1000;
/// The time beyond the limit of a message until which it has ended.
const GRACE: Duration = Duration::from_secs(1);

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Manner {
    pub(super) mix: Mix,
    pub(super) sessions: Sessions,
    /// The share of connections that are dropped in a slice.
    pub(super) dropped: f64,
    /// Within which time those come back.
    pub(super) away: Duration,
    /// The share of connections that do not read during slices.
    pub(super) slow: f64,
}

/// What the lane waits for outside of slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// Every wanted connection is ready.
    Attached,
    /// Each of these has read as far as anybody has heard of.
    Level,
    /// The connections of those who are being removed have ended.
    Gone,
    /// Some time.
    Time,
}

/// The present slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct SliceTimes {
    pub(super) ends: Moment,
    /// When connections are dropped, if that is still to be done.
    drops: Option<Moment>,
    /// Whether slow connections have stopped to read.
    is_slow: bool,
}

/// The operations of one thread.
pub(super) struct Workload {
    pub(super) crowd: Crowd,
    pub(super) manner: Manner,
    pub(super) ledger: Arc<LedgerState>,
    pub(super) fork: u8,
    pub(super) random: Xoshiro256PlusPlus,
    pub(super) members: Vec<Member>,
    pub(super) rooms: Vec<Heard>,
    pub(super) pending: Pending,
    pub(super) next_number: u32,
    /// How many messages the check has sent.
    checked: u32,
    /// Whether the check is in progress: it closes connections itself.
    pub(super) is_checked: bool,
    pub(super) slice: Option<SliceTimes>,
    pub(super) goal: Goal,
    /// Connections to be closed.
    pub(super) to_close: Vec<usize>,
    pub(super) course: Course,
    pub(super) churn: Churn,
}

impl Workload {
    /// The operations of thread `nth`.
    pub(super) fn new(crowd: Crowd, manner: Manner, nth: u64, ledger: Arc<LedgerState>) -> Self {
        let is_slow = |number: usize| manner.mix == Mix::Stalled && is_one_of(number, manner.slow);
        let to_judge = |number| Opinion::of_reader(crowd.room_of(number), number % crowd.members);
        let member = |number| Member::new(number, is_slow(number), to_judge(number));
        Self {
            manner,
            fork: nth as u8,
            random: Xoshiro256PlusPlus::seed_from_u64(crowd.seed.rotate_left(32) ^ nth),
            members: (0..crowd.len()).map(member).collect(),
            rooms: vec![Heard::default(); crowd.rooms],
            pending: Pending::default(),
            next_number: 0,
            checked: 0,
            is_checked: false,
            slice: None,
            goal: Goal::Attached,
            to_close: Vec::new(),
            course: Course::new(),
            churn: Churn::default(),
            crowd,
            ledger,
        }
    }

    pub(super) fn series(&self) -> Series {
        self.course.series()
    }

    /// Up to where members have read whose connections are ready.
    pub(super) fn attached(&self, room: usize) -> impl Iterator<Item = Position> {
        let members = self.members[self.crowd.members_of(room)].iter().filter(|member| member.is_attached());
        members.filter_map(|member| member.reading.as_ref()).map(super::reading::Reading::position)
    }

    /// The number of the next message that the check sends.
    pub(super) fn next_check_number(&mut self) -> u32 {
        self.checked += 1;
        self.checked
    }

    /// A member who can send in a room, at random.
    fn sender_in(&mut self, room: usize) -> Option<usize> {
        let of_room = self.crowd.members_of(room);
        for _ in 0..DRAWS {
            let drawn = self.random.random_range(of_room.clone());
            if self.members[drawn].can_send() {
                return Some(drawn);
            }
        }
        let (first, many) = (self.random.random_range(0..of_room.len()), of_room.len());
        let turned = (0..many).map(|nth| of_room.start + (first + nth) % many);
        turned.into_iter().find(|member| self.members[*member].can_send())
    }

    /// Sends a message; `false` if nobody in its room can.
    fn send(&mut self, due: Moment, connections: &mut Connections) -> bool {
        let room = self.random.random_range(0..self.manner.mix.written_in(self.crowd.rooms));
        let Some(sender) = self.sender_in(room) else { return false };
        let (number, sent) = (self.next_number, Moment::now());
        let key = self.crowd.key(self.fork, sender, number);
        let id = self.crowd.id(key);
        let trace = connections.traceparent();
        if connections.send(sender, frames::send(id, &self.crowd.text(id), trace.as_deref())).is_err() {
            return false;
        }
        self.next_number += 1;
        self.pending.begin(number, Message::new(room, sender, due, sent, self.rooms[room].awaiting));
        self.members[sender].unanswered.push_back(number);
        if Opinion::watches(room) {
            self.ledger.opinion.sent(key, sent);
        }
        true
    }

    /// Drops the share of the connections that the manner says; they come back soon.
    fn drop_connections(&mut self, connections: &mut Connections) {
        for member in 0..self.members.len() {
            if self.random.random::<f64>() < self.manner.dropped {
                connections.close(member, GOING_AWAY);
            }
        }
    }

    /// Has slow connections stop to read until the end of the slice.
    fn stall_connections(&self, until: Moment, now: Moment, connections: &mut Connections) {
        for (number, _) in self.members.iter().enumerate().filter(|(_, member)| member.is_slow) {
            connections.stall(number, until.since(now));
        }
    }

    /// The server that a connection goes to next.
    fn turn_server(&mut self, member: usize, why: Ended) {
        let is_away = matches!(why, Ended::Unreachable | Ended::TimedOut);
        if is_away || self.manner.sessions == Sessions::Any {
            let server = &mut self.members[member].server;
            *server = server.wrapping_add(1);
        }
    }
}

/// Records the ends of messages.
pub(super) fn end_all(done: impl IntoIterator<Item = Done>, connections: &mut Connections) {
    for Done { message, at, outcome, .. } in done {
        let (due, sent) = (message.due, Some(message.sent));
        connections.operation_took(&OperationEnd { kind: SEND, due, sent, at, outcome });
    }
}

/// Whether a number is one of an evenly spread share.
fn is_one_of(number: usize, share: f64) -> bool {
    let before = |number: usize| (number as f64 * share) as usize;
    before(number) < before(number + 1)
}

impl LiveJourneys for Workload {
    fn run_began(&mut self, length: Duration) {
        let now = Moment::now();
        let drops = (self.manner.mix == Mix::Storm).then(|| now.after(length / 2));
        self.slice = Some(SliceTimes { ends: now.after(length), drops, is_slow: false });
        self.course.begin(now, length);
    }

    fn is_wanted(&self, connection: usize) -> bool {
        self.members[connection].is_wanted()
    }

    fn is_ready(&self, _connections: &Connections) -> bool {
        let mut members = self.members.iter().enumerate();
        match self.goal {
            Goal::Attached => members.all(|(_, member)| member.is_attached() || !member.is_wanted()),
            Goal::Level => members.all(|(number, member)| {
                let heard = self.rooms[self.crowd.room_of(number)].up_to;
                let reading = member.reading.as_ref().filter(|_| member.is_attached());
                reading.is_none_or(|reading| reading.position() >= heard)
            }),
            Goal::Gone => members
                .all(|(_, member)| !matches!(member.standing, Standing::Leaving(_)) || !member.is_open()),
            Goal::Time => false,
        }
    }

    fn handshake(&mut self, connection: usize) -> Handshake {
        let room = self.crowd.room_id(self.crowd.room_of(connection));
        let member = &self.members[connection];
        let path = match &member.reading {
            Some(reading) => format!("/rooms/{room}/socket?after={}", reading.position()),
            None => format!("/rooms/{room}/socket"),
        };
        let token = format!("Bearer {}", self.ledger.token(connection));
        Handshake { path, fields: vec![("Authorization", token)], server: member.server }
    }

    fn opened(&mut self, connection: usize, at: Moment, connections: &mut Connections) {
        let member = &mut self.members[connection];
        member.link = Link::Open(at);
        if std::mem::replace(&mut member.was_open, true) && !self.is_checked {
            self.ledger.note(Seen::Reconnect);
        }
        if member.is_slow
            && let Some(slice) = self.slice
        {
            connections.stall(connection, slice.ends.since(at));
        }
    }

    fn due(&mut self, due: Moment, connections: &mut Connections) -> Begun {
        if !self.send(due, connections) {
            connections.operation_ended(SEND, due, Outcome::Failed(Failure::Connect));
        }
        Begun::Written
    }

    fn received(
        &mut self,
        connection: usize,
        message: live::Message<'_>,
        at: Moment,
        connections: &mut Connections,
    ) {
        match message {
            live::Message::Text(text) => self.hear(connection, text, at, connections),
            live::Message::Binary(_) => self.ledger.broken(Seen::Unknown, || {
                format!("`{}` was sent a binary frame", self.crowd.user(connection))
            }),
        }
    }

    fn closed(&mut self, connection: usize, why: Ended, at: Moment, connections: &mut Connections) -> Again {
        self.course.count(Drawn::Ended, at);
        let member = &mut self.members[connection];
        let open = member.link.since().map_or(Duration::ZERO, |since| at.since(since));
        if member.is_attached() && member.is_wanted() && !member.is_slow && !self.is_checked {
            member.lost.get_or_insert(at);
        }
        member.link = Link::Closed;
        let is_sent_to_history = match why {
            Ended::ByTarget(Some(code)) => codes::NO_RECOVERY.contains(&code),
            // The position is none that this server can read.
            Ended::Refused(status) => status == 422,
            _ => false,
        };
        if is_sent_to_history && member.reading.is_some() {
            self.ledger.note(Seen::RecoveryRefused);
            let done = self.stop_reading(connection, at);
            end_all(done, connections);
        }
        self.turn_server(connection, why);
        let member = &mut self.members[connection];
        match (member.standing, why) {
            (Standing::Away, _) => Again::Never,
            // The check looks at it, and adds it again.
            (Standing::Leaving(_), _) if !self.churn.moves(connection) => Again::Never,
            (Standing::In, Ended::ByUs) => Again::After(self.manner.away.mul_f64(self.random.random())),
            _ => Again::After(member.back_off.pause(why, open, &mut self.random)),
        }
    }

    fn tick(&mut self, now: Moment, connections: &mut Connections) {
        let overdue = self.pending.overdue(now);
        end_all(overdue, connections);
        for member in std::mem::take(&mut self.to_close) {
            connections.close(member, NORMAL);
        }
        let Some(mut slice) = self.slice else { return };
        if slice.drops.take_if(|drops| *drops <= now).is_some() {
            self.drop_connections(connections);
        }
        if self.manner.mix == Mix::Stalled && !std::mem::replace(&mut slice.is_slow, true) {
            self.stall_connections(slice.ends, now, connections);
        }
        self.slice = Some(slice);
        if self.manner.mix == Mix::Churn {
            self.come_and_go(now, slice.ends, connections);
        }
    }

    fn is_settled(&self) -> bool {
        self.pending.is_empty()
    }

    fn settles_within(&self) -> Duration {
        LIMIT + GRACE
    }
}

impl Drop for Workload {
    /// What a further thread has read is compared with the history later.
    fn drop(&mut self) {
        for (number, member) in self.members.iter().enumerate() {
            if let Some(reading) = &member.reading {
                self.ledger.has_read(self.crowd.room_of(number), reading);
            }
        }
    }
}
