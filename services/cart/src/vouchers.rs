//! The contract of the component `vouchers`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{CommandKey, CustomerId, Discount, SagaReply, VoucherCode};

/// The most uses of a voucher.
pub const MAX_USES: u32 = 1_000_000_000;

/// Knows the vouchers, and keeps each within its limits.
#[async_trait]
pub trait Vouchers: Send + Sync {
    /// Adds a voucher; the same one again changes nothing. Idempotent.
    async fn issue(&self, voucher: Voucher) -> Result<Voucher, VoucherError>;

    /// The voucher, whether it is used up or not. Idempotent.
    async fn voucher(&self, code: VoucherCode) -> Result<VoucherStanding, VoucherError>;

    /// Performs a command of a checkout, once, and returns the reply that also goes to the saga. Idempotent.
    async fn perform(&self, command: VoucherCommand) -> Result<SagaReply, VoucherError>;
}

/// A voucher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// Its code.
    pub code: VoucherCode,
    /// What it takes off.
    pub discount: Discount,
    /// How often it may be used, 1 to [`MAX_USES`].
    pub uses: u32,
    /// How often each customer may use it, 1 to [`MAX_USES`].
    pub uses_by_customer: u32,
}

/// A voucher and how often it was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherStanding {
    /// The voucher.
    pub voucher: Voucher,
    /// The uses that were not given back.
    pub used: u32,
}

/// A command of a checkout to the vouchers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoucherCommand {
    /// Which command of which order.
    pub key: CommandKey,
    /// What to do.
    pub action: VoucherAction,
}

/// What the vouchers are to do for an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VoucherAction {
    /// Use a voucher once.
    Redeem {
        /// Its code.
        code: VoucherCode,
        /// Who uses it.
        customer: CustomerId,
    },
    /// Give the use back; and use none for this order ever after.
    Restore,
}

/// The errors of vouchers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum VoucherError {
    /// No uses, or too many.
    #[error("a voucher has 1 to {MAX_USES} uses, and as many by customer")]
    Uses,
    /// A discount that takes off nothing, or more than the highest price.
    #[error("an amount off is 1 to {} minor units", crate::MAX_PRICE)]
    Discount,
    /// Another voucher has the code.
    #[error("another voucher has the code `{code}`")]
    Taken {
        /// The code.
        code: VoucherCode,
    },
    /// No voucher has the code.
    #[error("no voucher has the code `{code}`")]
    NotFound {
        /// The code.
        code: VoucherCode,
    },
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for VoucherError {
    fn kind(&self) -> Kind {
        match self {
            Self::Uses | Self::Discount => Kind::Invalid,
            Self::Taken { .. } => Kind::Conflict,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
