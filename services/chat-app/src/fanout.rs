//! How a record leaves the component `messages` for the processes that hold connections.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use backing::{Channel, failpoint};
use chat::{Delivery, DeliveryError, Record, RecordSender};
use contract::{Unavailable, Why};

use crate::topics::{self, Records};

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
