//! The contract of the component `notices`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Timestamp, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{CustomerId, EventId, OrderEvent, OrderId};

/// The most notices that one call returns.
pub const MAX_NOTICES: usize = 1_000;

/// Tells customers what happens to their orders.
///
/// A shortcut: a notice is stored and not sent. In production an e-mail would go out here, with the event's id as its
/// idempotency key.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Tells the customer of an event. Idempotent by the event's id.
    async fn tell(&self, event: OrderEvent) -> Result<Told, NoticeError>;

    /// What the customer was told about an order, at most [`MAX_NOTICES`], in the order in which the events happened.
    /// Idempotent.
    async fn told(&self, order: OrderId) -> Result<NoticeList, NoticeError>;
}

/// A notice to a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The id of the event.
    pub event: EventId,
    /// The order.
    pub order: OrderId,
    /// Who is told.
    pub customer: CustomerId,
    /// What is said.
    pub text: String,
    /// When it happened.
    pub at: Timestamp,
}

/// The customer has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told;

/// What a customer was told about an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NoticeList(pub Vec<Notice>);

/// The errors of notices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum NoticeError {
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for NoticeError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
