//! The ports of `stock` and `vouchers`.

use async_trait::async_trait;
use contract::{Timestamp, Unavailable};

use crate::{
    Delivery, Level, ProductId, SagaReply, StockCommand, Voucher, VoucherCode, VoucherCommand,
    VoucherStanding,
};

/// Stores goods and reservations.
///
/// An adapter MUST keep sold + reserved + left = stocked, and nothing below zero, under concurrent calls;
/// and MUST take the rows of several products in the order of their ids, so that no two calls wait for each other.
#[async_trait]
pub trait StockStore: Send + Sync {
    /// Adds a delivery, unless it came in before.
    async fn receive(&self, delivery: &Delivery) -> Result<Received, Unavailable>;

    /// The levels of these products, read in one transaction; zeros for a product that is not there.
    async fn levels(&self, products: &[ProductId]) -> Result<Vec<Level>, Unavailable>;

    /// Performs a command, in one transaction:
    ///
    /// - if the inbox has the command's id, its stored outcome is the outcome, and nothing else changes;
    /// - else [`stock_effect`](crate::stock_effect) says what to do with the order's reservation, the adapter does it, and
    ///   notes the outcome in the inbox;
    /// - either way the reply is written to the outbox: the one before may have been lost.
    async fn perform(&self, command: &StockCommand, now: Timestamp) -> Result<SagaReply, Unavailable>;

    /// Gives goods back whose reservations have ended, of at most `most` orders; returns of how many it did.
    ///
    /// An adapter MUST go on with the others if it fails for one, and return that error at the end.
    async fn expire(&self, now: Timestamp, most: u32) -> Result<u32, Unavailable>;

    /// Deletes at most `most` commands of the inbox that were performed before this; returns how many.
    async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable>;
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is in, now or since earlier; the level is as it is now.
    In(Level),
    /// The stock would exceed [`MAX_STOCKED`](crate::MAX_STOCKED); nothing came in.
    TooMuch,
    /// Its id was used for another product or another quantity; nothing came in.
    Reused,
}

/// Stores vouchers and their uses.
///
/// An adapter MUST keep the uses of a voucher within its limits under concurrent calls.
#[async_trait]
pub trait VoucherStore: Send + Sync {
    /// Stores a voucher, unless its code exists.
    async fn insert(&self, voucher: &Voucher) -> Result<Issued, Unavailable>;

    /// The voucher with this code.
    async fn find(&self, code: &VoucherCode) -> Result<Option<VoucherStanding>, Unavailable>;

    /// Performs a command, in one transaction, as [`StockStore::perform`] does, by
    /// [`voucher_effect`](crate::voucher_effect).
    async fn perform(&self, command: &VoucherCommand, now: Timestamp) -> Result<SagaReply, Unavailable>;

    /// Deletes at most `most` commands of the inbox that were performed before this; returns how many.
    async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable>;
}

/// The result of an attempt to store a voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Issued {
    /// It is stored.
    Stored,
    /// This one has its code; nothing was stored.
    Exists(Voucher),
}
