//! The contract of the component `payments`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{ChargeId, CommandKey, Money, OrderId, PaymentToken, RefundId, Refusal, SagaReply};

/// Refunds of one payment.
pub const MAX_REFUNDS: usize = 100;

/// Takes money through a payment provider, and gives it back.
#[async_trait]
pub trait Payments: Send + Sync {
    /// Performs a command of a checkout, once, and returns the reply that also goes to the saga. Idempotent.
    ///
    /// While the provider does not say how a call ended, the error is `Unavailable`, and the command can be sent again.
    async fn perform(&self, command: PaymentCommand) -> Result<SagaReply, PaymentError>;

    /// The payment of an order, as far as the provider's replies are known. Idempotent.
    async fn payment(&self, order: OrderId) -> Result<Payment, PaymentError>;

    /// Takes a hint of the provider that a charge has changed, and asks the provider how it is now.
    ///
    /// Webhooks come twice, early, late, in any order or never, so that nothing relies on what one says. Idempotent.
    async fn notify(&self, webhook: Webhook) -> Result<Payment, PaymentError>;
}

/// A command about the payment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentCommand {
    /// Which command of which order.
    pub key: CommandKey,
    /// The total of the order; of a refund the part that is given back.
    pub amount: Money,
    /// What to do.
    pub action: PaymentAction,
}

/// What to do with the money of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentAction {
    /// Have the provider hold the amount.
    Authorise(PaymentToken),
    /// Take what is held.
    Capture,
    /// Give everything back, whether it is held or taken; and take nothing for this order ever after.
    Void,
    /// Give a part of what was taken back.
    Refund(RefundId),
}

/// The payment of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The order.
    pub order: OrderId,
    /// The total of the order.
    pub amount: Money,
    /// How far it is.
    pub state: PaymentState,
    /// The provider's id of the charge, once it is known.
    pub charge: Option<ChargeId>,
    /// Whether the order was cancelled: everything is given back, and nothing is taken any more.
    pub is_closed: bool,
    /// What was given back, or may have been.
    pub refunds: Vec<PaymentRefund>,
}

/// How far a payment is. The states that end in `-ing` are entered before the provider is called: a process that is killed
/// during the call leaves a trace of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentState {
    /// The provider was not called.
    New,
    /// The provider is asked to hold the amount.
    Authorising,
    /// The provider holds the amount.
    Authorised,
    /// The provider is asked for the amount.
    Capturing,
    /// The amount was taken.
    Captured,
    /// The provider refuses.
    Refused(Refusal),
    /// The provider holds the amount no more.
    Voided,
}

/// A part of a payment that is given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRefund {
    /// Its id.
    pub id: RefundId,
    /// How much.
    pub amount: Money,
    /// How far it is.
    pub state: RefundState,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RefundState {
    /// It was requested.
    Pending,
    /// The money was given back.
    Done,
    /// It was refused.
    Refused(Refusal),
}

/// A hint of the provider. Its signature has been checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The order whose charge has changed.
    pub order: OrderId,
}

/// The errors of payments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PaymentError {
    /// Nothing, or less, is paid or given back.
    #[error("an amount is at least one minor unit")]
    Amount,
    /// The order has no payment.
    #[error("the order `{order}` has no payment")]
    NotFound {
        /// The order.
        order: OrderId,
    },
    /// The component, its backing or the provider did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for PaymentError {
    fn kind(&self) -> Kind {
        match self {
            Self::Amount => Kind::Invalid,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
