//! What the vouchers do for an order: a pure decision, which every store takes inside of its transaction.

use serde::{Deserialize, Serialize};

use crate::{CustomerId, Outcome, Refusal, Voucher, VoucherAction, VoucherCode};

/// What the vouchers have noted about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redemption {
    /// The voucher and its user; `None` if none was ever used for the order.
    pub used: Option<(VoucherCode, CustomerId)>,
    /// Whether the use was given back, or never was to be: a tombstone, so that a late command uses nothing.
    pub is_restored: bool,
}

/// What a store does for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherEffect {
    /// How the uses of the order's voucher change.
    pub change: UseChange,
    /// What is noted about the order.
    pub redemption: Option<Redemption>,
    /// The outcome.
    pub outcome: Outcome,
}

/// How the uses of a voucher change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseChange {
    /// Not at all.
    None,
    /// One more, if [`check_uses`] allows it; else nothing is noted, and what that says is the outcome.
    Use,
    /// One less.
    GiveBack,
}

/// What the vouchers do for a command, by what they have noted about the order.
pub fn voucher_effect(noted: Option<&Redemption>, action: &VoucherAction) -> VoucherEffect {
    match (action, noted) {
        (VoucherAction::Redeem { code, customer }, None) => VoucherEffect {
            change: UseChange::Use,
            redemption: Some(Redemption { used: Some((code.clone(), *customer)), is_restored: false }),
            outcome: Outcome::Done,
        },
        (VoucherAction::Redeem { .. }, Some(noted)) => {
            let refused = Outcome::Refused(Refusal::Cancelled);
            let outcome = if noted.is_restored { refused } else { Outcome::Done };
            VoucherEffect { change: UseChange::None, redemption: None, outcome }
        }
        (VoucherAction::Restore, noted) => {
            let is_used = noted.is_some_and(|noted| noted.used.is_some() && !noted.is_restored);
            let used = noted.and_then(|noted| noted.used.clone());
            VoucherEffect {
                change: if is_used { UseChange::GiveBack } else { UseChange::None },
                redemption: Some(Redemption { used, is_restored: true }),
                outcome: Outcome::Done,
            }
        }
    }
}

/// Whether a voucher may be used once more.
pub fn check_uses(voucher: Option<&Voucher>, used: u32, used_by_customer: u32) -> Outcome {
    match voucher {
        None => Outcome::Refused(Refusal::VoucherUnknown),
        Some(voucher) if used >= voucher.uses => Outcome::Refused(Refusal::VoucherUsedUp),
        Some(voucher) if used_by_customer >= voucher.uses_by_customer => {
            Outcome::Refused(Refusal::VoucherUsedByCustomer)
        }
        Some(_) => Outcome::Done,
    }
}
