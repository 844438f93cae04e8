//! What a saga and its participants tell each other: which command is meant, and how it ended.

use serde::{Deserialize, Serialize};

use crate::{EventId, OrderId, ProductId, RefundId};

/// A step of a checkout, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The stock keeps the goods for the order.
    Reserve,
    /// The voucher is used.
    Redeem,
    /// The provider holds the money.
    Authorise,
    /// The provider takes the money.
    Capture,
    /// The stock gives the goods away.
    Commit,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 5] = [Self::Reserve, Self::Redeem, Self::Authorise, Self::Capture, Self::Commit];
}

/// What a command is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// It takes a step.
    Do(Step),
    /// It compensates a step; the round tells one compensation of it from the next.
    Undo(Step, u32),
    /// It gives a part of the money back, outside of the saga.
    Refund(RefundId),
}

/// Which command of which order. A command that is sent again has the same key, and so the same ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CommandKey {
    /// The order.
    pub order: OrderId,
    /// What the command is for.
    pub purpose: Purpose,
}

impl CommandKey {
    /// The id of the command: what a participant's inbox remembers.
    pub fn id(&self) -> EventId {
        self.named("command")
    }

    /// The id of the reply to it.
    pub fn reply_id(&self) -> EventId {
        self.named("reply")
    }

    fn named(&self, kind: &str) -> EventId {
        let order = self.order.0;
        match self.purpose {
            Purpose::Do(step) => EventId::of(kind, &[order, 0, step as u128]),
            Purpose::Undo(step, round) => EventId::of(kind, &[order, 1, step as u128, round.into()]),
            Purpose::Refund(refund) => EventId::of(kind, &[order, 2, refund.0]),
        }
    }
}

/// A participant's reply to a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SagaReply {
    /// The command.
    pub command: CommandKey,
    /// How it ended.
    pub outcome: Outcome,
}

impl SagaReply {
    /// The id of the reply; the same however often it is sent.
    pub fn id(&self) -> EventId {
        self.command.reply_id()
    }
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It has its effect, now or since earlier.
    Done,
    /// It has no effect, and never will have.
    Refused(Refusal),
}

/// The reasons why a command, or a whole checkout, is refused for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// Less is left than was ordered.
    #[error("of the product `{product}` only {left} are left")]
    OutOfStock {
        /// The product.
        product: ProductId,
        /// How many are left.
        left: u64,
    },
    /// The goods are not reserved for the order.
    #[error("nothing is reserved for the order")]
    NotReserved,
    /// No voucher has the code.
    #[error("no voucher has the code")]
    VoucherUnknown,
    /// The voucher has been used as often as it may be.
    #[error("the voucher is used up")]
    VoucherUsedUp,
    /// The customer has used the voucher as often as one may.
    #[error("the customer has used up the voucher")]
    VoucherUsedByCustomer,
    /// The provider declined the payment.
    #[error("the payment was declined")]
    PaymentDeclined,
    /// The card has not enough money.
    #[error("the payment was declined: insufficient funds")]
    InsufficientFunds,
    /// The authorisation expired before the money was taken.
    #[error("the authorisation has expired")]
    AuthorisationExpired,
    /// There is no money that could be taken or given back.
    #[error("nothing was paid")]
    NothingPaid,
    /// A refund exceeds what is left of the payment.
    #[error("a refund is at most what is left of the payment")]
    ExceedsPayment,
    /// The order was cancelled.
    #[error("the order was cancelled")]
    Cancelled,
    /// A participant did not reply in time.
    #[error("the checkout took too long")]
    TimedOut,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_and_every_reply_has_an_id_of_its_own() {
        let purposes = Step::ALL
            .into_iter()
            .flat_map(|step| [Purpose::Do(step), Purpose::Undo(step, 0), Purpose::Undo(step, 1)]);
        let purposes = purposes.chain([Purpose::Refund(RefundId(0)), Purpose::Refund(RefundId(1))]);
        let keys: Vec<_> = purposes
            .flat_map(|purpose| [1, 2].map(|order| CommandKey { order: OrderId(order), purpose }))
            .collect();
        let ids: std::collections::HashSet<_> =
            keys.iter().flat_map(|key| [key.id(), key.reply_id()]).collect();
        assert_eq!(ids.len(), 2 * keys.len());
    }
}
