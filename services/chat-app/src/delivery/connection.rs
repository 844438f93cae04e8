//! One connection, as a feed sees it.

use chat::{Device, Ended, Membership, Reader, Term, User};
use contract::Timestamp;
use runtime::live::{Sender, Utf8Bytes};

use super::frames::closes;
use crate::delivery::DeliveryMetrics;

/// By what right a connection reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pass {
    /// Whose it is.
    pub device: Device,
    /// As what member of the room.
    pub membership: Membership,
    /// When its token ends.
    pub until: Timestamp,
}

/// A connection of this process. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    pub(super) pass: Pass,
    pub(super) sender: Sender,
    pub(super) metrics: DeliveryMetrics,
}

impl Connection {
    /// A connection with this right.
    pub fn new(pass: Pass, sender: Sender, metrics: DeliveryMetrics) -> Self {
        Self { pass, sender, metrics }
    }
}

impl Reader for Connection {
    type Frame = Utf8Bytes;

    fn user(&self) -> &User {
        &self.pass.device.user
    }

    fn term(&self) -> Term {
        self.pass.membership.term
    }

    fn until(&self) -> Timestamp {
        self.pass.until
    }

    fn receive(&self, frame: &Utf8Bytes) -> bool {
        let is_there = self.sender.send(frame.clone()).is_ok();
        if is_there {
            self.metrics.delivered();
        }
        is_there
    }

    fn end(&self, why: Ended) {
        self.sender.close(match why {
            Ended::Removed => closes::REMOVED,
            Ended::Expired => closes::EXPIRED,
            Ended::OtherEpoch => closes::OTHER_EPOCH,
        });
    }
}

impl Connection {
    /// By what right it reads.
    pub fn pass(&self) -> &Pass {
        &self.pass
    }
}
