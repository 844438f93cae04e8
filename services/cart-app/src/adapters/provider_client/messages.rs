//! What the payment provider replies.

use cart::{
    ChargeId, Refusal,
    ports::{Charge, ChargeState},
};
use serde::Deserialize;

/// A charge.
#[derive(Debug, Deserialize)]
pub(super) struct ChargeReply {
    id: ChargeId,
    status: Status,
    decline_reason: Option<Decline>,
}

/// A page of charges, in the order in which they were made.
#[derive(Debug, Deserialize)]
pub(super) struct PageReply {
    pub(super) charges: Vec<ChargeReply>,
    /// Where the next page begins.
    pub(super) next: Option<i64>,
}

/// Where webhooks go.
#[derive(Debug, Deserialize)]
pub(super) struct EndpointReply {
    /// The secret of their signatures.
    pub(super) secret: String,
}

/// A problem document (RFC 9457).
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Authorised,
    Captured,
    Voided,
    Expired,
    Declined,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Decline {
    InsufficientFunds,
    #[serde(other)]
    Other,
}

/// The kinds of problems that say something about a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slug {
    /// The charge was captured.
    Captured,
    /// Nothing is held or taken any more.
    Ended,
    /// Nothing was taken yet.
    NotCaptured,
    /// More than is held.
    ExceedsHeld,
    /// More than is left of what was taken.
    ExceedsCaptured,
    /// The request has a value that the provider does not take.
    Invalid,
    /// Anything else: it does not say what became of the charge.
    Unknown,
}

impl ChargeReply {
    pub(super) fn state(&self) -> ChargeState {
        match (self.status, self.decline_reason) {
            (Status::Authorised, _) => ChargeState::Authorised,
            (Status::Captured, _) => ChargeState::Captured,
            (Status::Voided, _) => ChargeState::Voided,
            (Status::Expired, _) => ChargeState::Refused(Refusal::AuthorisationExpired),
            (Status::Declined, Some(Decline::InsufficientFunds)) => {
                ChargeState::Refused(Refusal::InsufficientFunds)
            }
            (Status::Declined, _) => ChargeState::Refused(Refusal::PaymentDeclined),
        }
    }

    pub(super) fn charge(self) -> Charge {
        Charge { state: self.state(), id: self.id }
    }
}

impl Problem {
    pub(super) fn slug(&self) -> Slug {
        match self.kind.rsplit('/').next().unwrap_or_default() {
            "charge-captured" => Slug::Captured,
            "charge-ended" => Slug::Ended,
            "charge-not-captured" => Slug::NotCaptured,
            "exceeds-held" => Slug::ExceedsHeld,
            "exceeds-captured" => Slug::ExceedsCaptured,
            "invalid" => Slug::Invalid,
            _ => Slug::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(json: &str) -> ChargeState {
        serde_json::from_str::<ChargeReply>(json).unwrap().state()
    }

    #[test]
    fn a_charge_says_what_became_of_its_money() {
        for (status, expected) in [
            ("authorised", ChargeState::Authorised),
            ("captured", ChargeState::Captured),
            ("voided", ChargeState::Voided),
            ("expired", ChargeState::Refused(Refusal::AuthorisationExpired)),
            ("declined", ChargeState::Refused(Refusal::PaymentDeclined)),
        ] {
            let json = format!(r#"{{"id":"ch_1","order":"1","status":"{status}","amount_minor":5}}"#);
            assert_eq!(state(&json), expected);
        }
        for (reason, expected) in [
            ("insufficient-funds", Refusal::InsufficientFunds),
            ("declined", Refusal::PaymentDeclined),
            ("a-new-reason", Refusal::PaymentDeclined),
        ] {
            let json = format!(r#"{{"id":"ch_1","status":"declined","decline_reason":"{reason}"}}"#);
            assert_eq!(state(&json), ChargeState::Refused(expected));
        }
    }

    #[test]
    fn a_problem_that_nobody_knows_says_nothing_about_the_charge() {
        let slug = |kind: &str| Problem { kind: kind.to_owned() }.slug();
        assert_eq!(slug("/problems/charge-ended"), Slug::Ended);
        for kind in ["/problems/key-in-flight", "/problems/unavailable", "about:blank", ""] {
            assert_eq!(slug(kind), Slug::Unknown, "{kind}");
        }
    }
}
