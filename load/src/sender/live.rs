//! Long-lived connections: WebSockets that are opened, held, and receive unsolicited messages.
//!
//! A loop like those of [`sender`](crate::sender). There, the reply to a request ends its operation. Here, schedules say
//! when connections are opened and when messages are sent, and a message may arrive at any number of other connections, at
//! any time. So the [`LiveJourneys`] decide when an operation has ended; they get every event with its time.
//!
//! A [`LiveLane`] is one target on one thread: thousands of connections in one epoll instance. Its memory has a bound that
//! does not depend on the target ([`LiveLimits`]).
//!
//! A [`Sender`](crate::sender::Sender) drives the lane of each arm whose journeys are live, slice by slice.
//!
//! `tungstenite` does the protocol, on the lane's own non-blocking sockets.
//!
//! In reading order: `journeys`, `limits`, `lane`, `run`, `connections`, `slot`, `record`.

mod connections;
mod journeys;
mod lane;
mod limits;
mod record;
mod run;
mod slot;

pub use self::{
    connections::{Connections, NotSent},
    journeys::{Again, Ended, Handshake, LiveJourneys, Message, OperationEnd},
    lane::{LiveLane, LivePlan, Sends},
    limits::LiveLimits,
    record::LiveRecord,
};
pub use crate::clock::Moment;
