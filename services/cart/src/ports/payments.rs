//! The ports of `payments`.

use async_trait::async_trait;
use contract::{Timestamp, Unavailable, Why};

use crate::{ChargeId, EventId, Money, OrderId, Outcome, Payment, PaymentToken, Refusal, SagaReply};

/// A payment as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPayment {
    /// The payment.
    pub payment: Payment,
    /// What stands for the card; `None` if nothing was ever to be authorised.
    pub token: Option<PaymentToken>,
    /// Grows with each change; 0 is not stored yet.
    pub version: u64,
}

/// The result of an attempt to store a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is stored.
    Stored,
    /// The stored version is another one; nothing changed.
    Changed,
}

/// Stores payments, and notes which commands were performed.
#[async_trait]
pub trait PaymentStore: Send + Sync {
    /// The payment of an order.
    async fn find(&self, order: OrderId) -> Result<Option<StoredPayment>, Unavailable>;

    /// The outcome of the command with this id, if the inbox has it.
    async fn outcome(&self, command: EventId) -> Result<Option<Outcome>, Unavailable>;

    /// Stores a payment under the next version, in one transaction:
    ///
    /// - if the stored version is not the payment's, nothing changes;
    /// - with a reply, its command and outcome are noted in the inbox, and the reply is written to the outbox.
    async fn store(
        &self,
        payment: &StoredPayment,
        reply: Option<&SagaReply>,
        now: Timestamp,
    ) -> Result<Settled, Unavailable>;

    /// Writes a reply to the outbox that was written before: it may have been lost.
    async fn reply_again(&self, reply: &SagaReply, now: Timestamp) -> Result<(), Unavailable>;

    /// Deletes at most `most` commands of the inbox that were performed before this; returns how many.
    async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable>;
}

/// A payment provider, which keeps books of its own.
///
/// Every call has a key by which it is idempotent: with the key of an earlier call and the same parameters, the provider
/// replies as it did then, and does nothing.
/// An adapter MUST return [`Answer::Unknown`] whenever it does not know whether the provider acted: after a time-out, a
/// connection that broke, a 5xx, and a 409 that says that the same key is in flight. The reason says how the call is
/// retried: as long as it takes while the provider cannot be reached, and for a limited time while it is slow.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Holds an amount. A charge that is declined is refused.
    async fn authorise(
        &self,
        key: EventId,
        order: OrderId,
        amount: Money,
        token: &PaymentToken,
    ) -> Answer<ChargeId>;

    /// Takes what is held.
    async fn capture(&self, key: EventId, charge: &ChargeId, amount: Money) -> Answer<()>;

    /// Holds no more. Refused as [`Refusal::NothingPaid`] if nothing is held: the amount was taken, or the hold has ended.
    async fn void(&self, key: EventId, charge: &ChargeId) -> Answer<()>;

    /// Gives back a part of what was taken.
    async fn refund(&self, key: EventId, charge: &ChargeId, amount: Money) -> Answer<()>;

    /// The charge of an order, as the provider has it now: the latest one, if there are several; `Done(None)` if there is
    /// none.
    async fn find(&self, order: OrderId) -> Answer<Option<Charge>>;
}

/// What is known of how a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// It was done, now or by an earlier call with its key.
    Done(T),
    /// It was not done, and never will be.
    Refused(Refusal),
    /// Nothing is known, for this reason: it was done, or was not, or still will be. The same call with the same key finds
    /// out.
    Unknown(Why),
}

/// A charge as a provider has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Its id.
    pub id: ChargeId,
    /// How far it is.
    pub state: ChargeState,
}

/// How far a charge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChargeState {
    /// The amount is held.
    Authorised,
    /// The amount was taken, whether a part of it was given back or not.
    Captured,
    /// The amount is held no more, because it was voided.
    Voided,
    /// The amount was never held, or is held no more.
    Refused(Refusal),
}
