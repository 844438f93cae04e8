//! Journeys in one room whose server sends every message to everybody.

use std::time::Duration;

use load::{
    journey::{Begun, Failure, Outcome},
    live::{Again, Connections, Ended, Handshake, LiveJourneys, Message, Moment, NotSent},
};

/// A room of all connections: each message that is due is sent by the next connection, and expected at every one.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) members: usize,
    pub(crate) sent: u64,
    /// When each message was due, and at how many members it has arrived.
    pub(crate) messages: Vec<(Moment, usize)>,
    /// The number of the last message of each sender at each member: a server that is late reads what one member
    /// sent meanwhile before it reads the next, so that there is no order between senders.
    pub(crate) last: Vec<Vec<Option<u64>>>,
    /// Messages that arrived twice, or out of the order in which their sender sent them.
    pub(crate) out_of_order: u64,
    /// Texts that are no messages of the room, by connection.
    pub(crate) others: Vec<(usize, String)>,
    pub(crate) ended: Vec<(usize, Ended)>,
    pub(crate) comes_back: Option<Duration>,
    /// How often connections were opened.
    pub(crate) opened: usize,
    /// Stalls this connection for so long when it is opened.
    pub(crate) stalls: Option<(usize, Duration)>,
    pub(crate) not_sent: Vec<NotSent>,
    /// What a message is made longer by.
    pub(crate) padding: usize,
    pub(crate) worst: Duration,
}

impl Room {
    pub(crate) fn of(members: usize) -> Self {
        Self { members, last: vec![vec![None; members]; members], ..Self::default() }
    }
}

impl LiveJourneys for Room {
    fn handshake(&mut self, connection: usize) -> Handshake {
        Handshake { path: format!("/rooms/1?member={connection}"), server: connection, fields: Vec::new() }
    }

    fn opened(&mut self, connection: usize, _at: Moment, connections: &mut Connections) {
        self.opened += 1;
        if let Some((stalls, time)) = self.stalls
            && stalls == connection
        {
            connections.stall(connection, time);
        }
    }

    fn due(&mut self, due: Moment, connections: &mut Connections) -> Begun {
        let nth = self.sent;
        self.sent += 1;
        self.messages.push((due, 0));
        let sender = nth as usize % self.members;
        let text = format!("{nth} {}", "x".repeat(self.padding));
        if let Err(why) = connections.send(sender, text) {
            self.not_sent.push(why);
            connections.operation_ended("message", due, Outcome::Failed(Failure::Connect));
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
        let Message::Text(text) = message else { panic!("nobody sends bytes") };
        let number = text.split(' ').next().and_then(|number| number.parse::<u64>().ok());
        let Some(nth) = number else { return self.others.push((connection, text.to_owned())) };
        let last = &mut self.last[connection][nth as usize % self.members];
        self.out_of_order += u64::from(last.is_some_and(|last| nth <= last));
        *last = Some(nth);
        let (due, arrived) = &mut self.messages[nth as usize];
        self.worst = self.worst.max(at.since(*due));
        *arrived += 1;
        if *arrived == self.members {
            connections.operation_ended("message", *due, Outcome::Success);
        }
    }

    fn closed(
        &mut self,
        connection: usize,
        why: Ended,
        _at: Moment,
        _connections: &mut Connections,
    ) -> Again {
        self.ended.push((connection, why));
        self.comes_back.map_or(Again::Never, Again::After)
    }

    fn is_settled(&self) -> bool {
        self.messages.iter().all(|(_, arrived)| *arrived == self.members)
    }
}
