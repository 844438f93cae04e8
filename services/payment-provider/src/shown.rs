//! Charges and events as clients read them.

use serde::Serialize;

use crate::charge::{Charge, Decline};

/// A charge at a moment.
#[derive(Debug, Serialize)]
pub(crate) struct ChargeShown<'a> {
    id: &'a str,
    order: &'a str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_reason: Option<&'static str>,
    currency: &'a str,
    /// What was asked for.
    amount_minor: i64,
    /// What is held and not taken.
    held_minor: i64,
    /// What was taken, refunds included.
    captured_minor: i64,
    /// What was given back of it.
    refunded_minor: i64,
    created_at_ms: u64,
    expires_at_ms: u64,
}

/// An event, as a webhook's body.
#[derive(Debug, Serialize)]
pub(crate) struct EventShown<'a> {
    /// The same however often it is sent.
    pub(crate) id: &'a str,
    /// What became of the charge: `charge.captured`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) created_at_ms: u64,
    /// The key of the request that did it.
    pub(crate) idempotency_key: &'a str,
    /// The charge after it.
    pub(crate) charge: ChargeShown<'a>,
}

impl<'a> ChargeShown<'a> {
    pub(crate) fn new(charge: &'a Charge, now: u64) -> Self {
        Self {
            id: &charge.id,
            order: &charge.order,
            status: charge.status_at(now).name(),
            decline_reason: charge.decline.map(Decline::name),
            currency: &charge.currency,
            amount_minor: charge.amount,
            held_minor: charge.held_at(now),
            captured_minor: charge.captured,
            refunded_minor: charge.refunded,
            created_at_ms: charge.created_at,
            expires_at_ms: charge.expires_at,
        }
    }
}

/// The JSON of what is shown.
pub(crate) fn json(shown: &impl Serialize) -> String {
    serde_json::to_string(shown).expect("texts and numbers")
}
