//! How a record leaves the component `messages` for the processes that hold connections.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use backing::{Channel, failpoint};
use chat::{Delivery, DeliveryError, Record, RecordSender};
use contract::{Unavailable, Why};
use tokio::time::timeout;

use crate::topics::{self, Records};

/// The longest time for which a message waits for its delivery. Who does not hear of it by then reads it in the log, within a
/// second: a transport that is away must not keep messages from being acknowledged.
const HINTED_WITHIN: Duration = Duration::from_millis(250);

/// Any of the ways, within a time limit.
pub(crate) struct InTime<S>(pub(crate) S);

#[async_trait]
impl<S: RecordSender> RecordSender for InTime<S> {
    async fn send(&self, record: &Record) -> Result<(), Unavailable> {
        let sent = timeout(HINTED_WITHIN, self.0.send(record)).await;
        sent.unwrap_or_else(|_| Err(Unavailable::new("fanout", Why::TimedOut)))
    }
}

/// By a call to the one process that holds all connections.
///
/// The components need each other: `messages` has records delivered, and `delivery` reads from logs. So this one learns of
/// the other when both are there.
#[derive(Clone, Default)]
pub(crate) struct ByCall(Arc<OnceLock<Arc<dyn Delivery>>>);

impl ByCall {
    /// From now on records go there.
    pub(crate) fn connect(&self, delivery: Arc<dyn Delivery>) {
        // Told twice it would be the same.
        let _ = self.0.set(delivery);
    }
}

#[async_trait]
impl RecordSender for ByCall {
    async fn send(&self, record: &Record) -> Result<(), Unavailable> {
        failpoint::reached("message", "unsent");
        let delivery = self.0.get().ok_or_else(|| Unavailable::new("delivery", Why::Unreachable))?;
        match delivery.deliver(record.clone()).await {
            Ok(_) => {
                failpoint::reached("message", "sent");
                Ok(())
            }
            Err(DeliveryError::Unavailable(unavailable)) => Err(unavailable),
        }
    }
}

/// By publish and subscribe.
pub(crate) struct ByBroadcast(pub(crate) Channel<Records>);

#[async_trait]
impl RecordSender for ByBroadcast {
    async fn send(&self, record: &Record) -> Result<(), Unavailable> {
        failpoint::reached("message", "unsent");
        self.0.send(topics::record(record.clone())).await?;
        failpoint::reached("message", "sent");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chat::{Content, Epoch, Position, RoomId, Sequence, Term, User};
    use contract::Timestamp;
    use tokio::time::Instant;

    use super::*;

    /// A transport that is away, and says nothing.
    struct Silent;

    #[async_trait]
    impl RecordSender for Silent {
        async fn send(&self, _: &Record) -> Result<(), Unavailable> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_transport_that_is_away_holds_a_message_up_for_a_moment_only() {
        let record = Record {
            room: RoomId(1),
            position: Position { epoch: Epoch::new(1).unwrap(), sequence: Sequence(1) },
            at: Timestamp::from_millis(0),
            content: Content::Removed { user: User::parse("bob").unwrap(), term: Term(1) },
        };
        let began = Instant::now();
        let sent = InTime(Silent).send(&record).await;
        assert_eq!(sent, Err(Unavailable::new("fanout", Why::TimedOut)));
        assert_eq!(began.elapsed(), HINTED_WITHIN);
    }
}
