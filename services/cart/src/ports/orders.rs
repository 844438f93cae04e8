//! The ports of `orders`.

use async_trait::async_trait;
use contract::{Timestamp, Unavailable};

use crate::{
    Command, Decision, EventId, Fingerprint, Money, OrderId, ProductId, ProductSales, Purchase, Refusal,
    Reply, RequestKey, SagaQuery,
};

/// What a transaction makes of a checkout; `None` if nothing changes.
pub type Decide<'a> = dyn Fn(&Purchase) -> Option<Decision> + Send + Sync + 'a;

/// What a transaction stores instead, if it cannot take the goods or use the voucher.
pub type Refuse<'a> = dyn Fn(Refusal) -> Decision + Send + Sync + 'a;

/// A claim on an idempotency key: whoever has it runs the checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The key.
    pub key: RequestKey,
    /// The digest of the request's parameters.
    pub fingerprint: Fingerprint,
    /// The id of the order, if the key is new.
    pub order: OrderId,
    /// What the order is to cost.
    pub total: Money,
    /// The time of the request.
    pub now: Timestamp,
    /// When others may take the claim over: the attempt has been given up by then. Two that overlap all the same store one
    /// reply, that of the first one.
    pub until: Timestamp,
    /// When the key is forgotten.
    pub forgotten_at: Timestamp,
}

/// The result of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The key is new, or its claim was released or has ended. The order's id is that of the first claim: whatever an
    /// earlier attempt did, it did for this id.
    Taken(OrderId),
    /// Another attempt has the claim.
    InFlight,
    /// The key was used with another fingerprint.
    Mismatch,
    /// The checkout has ended with this reply.
    Replied(Reply),
}

/// What an attempt that failed may have left elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: it failed before it called anybody to have something done.
    Nothing,
    /// Perhaps a hold at the provider, for the order of the claim.
    PerhapsAHold,
}

/// A claim that ended without a reply, and may have left a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Abandoned {
    /// The key.
    pub key: RequestKey,
    /// The order that its attempts were for.
    pub order: OrderId,
    /// What the order was to cost.
    pub total: Money,
}

/// A participant's reply that a transaction takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenReply {
    /// Its id.
    pub id: EventId,
    /// When it is taken.
    pub at: Timestamp,
}

/// The result of a transaction on a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advanced {
    /// This was stored.
    Changed(Decision),
    /// Nothing was; the checkout is as it was.
    Unchanged(Purchase),
}

/// Stores orders with their sagas, idempotency keys with their replies, and an outbox.
///
/// Wherever a [`Decision`] is stored, an adapter MUST in the same transaction write its commands and events to the outbox;
/// and if it is a sale, note the order as the latest one of each of its products.
#[async_trait]
pub trait OrderStore: Send + Sync {
    /// Claims a key.
    ///
    /// An adapter MUST let one of several concurrent callers have it,
    /// and MUST treat a key that is past `forgotten_at` as new.
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Unavailable>;

    /// Lets the next request with the key have the claim from now on; the key keeps its fingerprint and its order.
    /// A key that has its reply is left as it is.
    ///
    /// An adapter MUST count the attempts that may have left a hold: each claim that is granted is one, until it is released
    /// with [`Left::Nothing`].
    async fn release(&self, key: &RequestKey, left: Left, now: Timestamp) -> Result<(), Unavailable>;

    /// Claims that ended by this time without a reply, and may have left a hold; those that ended first come first.
    async fn abandoned(&self, by: Timestamp, most: u32) -> Result<Vec<Abandoned>, Unavailable>;

    /// Ends an abandoned claim, in one transaction: stores the reply for its key, and writes the command to the outbox.
    /// Returns whether it did.
    ///
    /// An adapter MUST do neither if the key has a reply by now, or a claim that ended later: then somebody has gone on with
    /// the checkout.
    async fn abandon(
        &self,
        key: &RequestKey,
        by: Timestamp,
        reply: &Reply,
        command: &Command,
    ) -> Result<bool, Unavailable>;

    /// Stores a new checkout, and its reply for the key, in one transaction. If the key has a reply, by an attempt that was
    /// slow, nothing changes. Returns the reply that is stored.
    ///
    /// If the commands are not to go through the outbox, only the events do, and [`CommandSender`] takes the commands.
    async fn begin(
        &self,
        key: &RequestKey,
        decision: &Decision,
        commands_in_outbox: bool,
    ) -> Result<Reply, Unavailable>;

    /// Changes a checkout, in one transaction that excludes others of the same order: the adapter locks it, applies
    /// `decide`, and stores what that returns.
    ///
    /// With a reply, the transaction notes it, and changes nothing if it has been noted before.
    /// `None` if there is no such order.
    async fn advance(
        &self,
        order: OrderId,
        reply: Option<TakenReply>,
        commands_in_outbox: bool,
        decide: &Decide<'_>,
    ) -> Result<Option<Advanced>, Unavailable>;

    /// The checkout of this order.
    async fn find(&self, order: OrderId) -> Result<Option<Purchase>, Unavailable>;

    /// The sales of these products, read in one transaction; `None` if they are more than `most` together.
    async fn sales(
        &self,
        products: &[ProductId],
        most: usize,
    ) -> Result<Option<Vec<ProductSales>>, Unavailable>;

    /// A page of the sagas of one standing; a stuck one was due before `due_before`.
    async fn sagas(&self, query: &SagaQuery, due_before: Timestamp) -> Result<Vec<Purchase>, Unavailable>;

    /// The orders whose sagas are running and due, those that have waited longest first.
    async fn due(&self, now: Timestamp, most: u32) -> Result<Vec<OrderId>, Unavailable>;

    /// Deletes at most `most` keys that are past `forgotten_at`, and as many notes of replies that were taken before
    /// `taken_before`; returns how many of both.
    async fn forget(&self, now: Timestamp, taken_before: Timestamp, most: u32) -> Result<u64, Unavailable>;
}

/// The transaction over stock, vouchers and orders, for wirings in which they share a database.
#[async_trait]
pub trait ShopTransaction: Send + Sync {
    /// Places an order, in one transaction:
    ///
    /// - if the key has a reply, by an attempt that was slow, nothing changes, and that reply is the result;
    /// - the goods of the order are sold, in the order of the products' ids, with a reservation that is committed;
    /// - its voucher is used, if it has one;
    /// - the decision is stored, and its reply for the key;
    /// - if goods or voucher are refused, neither is taken, and what `refuse` returns is stored instead.
    async fn place(
        &self,
        key: &RequestKey,
        decision: &Decision,
        refuse: &Refuse<'_>,
    ) -> Result<Reply, Unavailable>;
}

/// Sends commands without an outbox: for the control `dual-write`.
#[async_trait]
pub trait CommandSender: Send + Sync {
    /// Sends a command.
    async fn send(&self, command: &Command) -> Result<(), Unavailable>;
}
