//! The contract of the component `delivery`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::Record;

/// Passes records on to the connections of this process.
///
/// A call is a hint that something is there, not the delivery itself: calls may be lost, repeated and out of order, and each
/// connection nevertheless gets each record once, in the order of the log ([`Feed`](crate::Feed)).
#[async_trait]
pub trait Delivery: Send + Sync {
    /// A record was appended. Idempotent.
    async fn deliver(&self, record: Record) -> Result<Delivered, DeliveryError>;
}

/// The record was passed on, or will be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered;

/// The errors of delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum DeliveryError {
    /// The component did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for DeliveryError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
