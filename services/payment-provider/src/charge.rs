//! A charge, and what may be done to it: pure.

use std::fmt;

use serde::Serialize;

/// The largest amount: eight digits of the minor unit, as Stripe documents.
pub(crate) const MAX_MINOR: i64 = 99_999_999;

/// The currencies that it takes (ISO 4217).
pub(crate) const CURRENCIES: [&str; 8] = ["CHF", "DKK", "EUR", "GBP", "JPY", "NOK", "SEK", "USD"];

/// What a charge is at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// The money is held.
    Authorised,
    /// The money is taken, and perhaps given back in part or whole.
    Captured,
    /// The hold was released on request.
    Voided,
    /// The hold was released because it was not captured in time.
    Expired,
    /// The money was never held.
    Declined,
}

/// Why a charge was declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decline {
    /// Without a reason that the provider may tell.
    Declined,
    /// The account has too little.
    InsufficientFunds,
}

/// A charge. Invariant: `refunded <= captured <= amount`, and nothing is captured unless the status says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) id: String,
    /// The shop's own number of the order; several charges may have it.
    pub(crate) order: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    /// As it was written last: [`Charge::status_at`] says whether it has expired since.
    pub(crate) status: Status,
    pub(crate) decline: Option<Decline>,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
    /// Milliseconds since 1970.
    pub(crate) created_at: u64,
    /// Milliseconds since 1970.
    pub(crate) expires_at: u64,
}

/// A change of a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Change {
    /// Takes so much of what is held, once; the rest is released.
    Capture(i64),
    /// Releases what is held.
    Void,
    /// Gives so much of what was taken back.
    Refund(i64),
}

/// Why a change is refused. It stays refused: the same change later is refused as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It was captured before.
    #[error("the charge is captured already")]
    Captured,
    /// Nothing is held or taken.
    #[error("the charge is {0}")]
    Ended(Status),
    /// Nothing was taken yet.
    #[error("the charge is not captured: void it instead")]
    NotCaptured,
    /// More than is held.
    #[error("{asked} is more than the {held} that are held")]
    ExceedsHeld {
        /// What was to be captured.
        asked: i64,
        /// What is held.
        held: i64,
    },
    /// More than is left of what was taken.
    #[error("{asked} is more than the {left} that are captured and not refunded")]
    ExceedsCaptured {
        /// What was to be refunded.
        asked: i64,
        /// What is left.
        left: i64,
    },
}

impl Status {
    /// Its word, in replies and in the books.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Expired => "expired",
            Self::Declined => "declined",
        }
    }

    /// The status of this word.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let all = [Self::Authorised, Self::Captured, Self::Voided, Self::Expired, Self::Declined];
        all.into_iter().find(|status| status.name() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl Decline {
    /// Its word, which is also the token that is always declined so.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Declined => "declined",
            Self::InsufficientFunds => "insufficient-funds",
        }
    }

    /// The reason of this word.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Declined, Self::InsufficientFunds].into_iter().find(|decline| decline.name() == name)
    }
}

impl Charge {
    /// Its status at a moment, milliseconds since 1970.
    pub(crate) fn status_at(&self, now: u64) -> Status {
        match self.status {
            Status::Authorised if now >= self.expires_at => Status::Expired,
            status => status,
        }
    }

    /// What is held at a moment and not taken.
    pub(crate) fn held_at(&self, now: u64) -> i64 {
        if self.status_at(now) == Status::Authorised { self.amount } else { 0 }
    }

    /// The charge after a change at a moment.
    pub(crate) fn changed(&self, change: Change, now: u64) -> Result<Self, Refusal> {
        let status = self.status_at(now);
        match (status, change) {
            (Status::Authorised, Change::Capture(asked)) if asked > self.amount => {
                Err(Refusal::ExceedsHeld { asked, held: self.amount })
            }
            (Status::Authorised, Change::Capture(asked)) => {
                Ok(Self { status: Status::Captured, captured: asked, ..self.clone() })
            }
            (Status::Authorised, Change::Void) => Ok(Self { status: Status::Voided, ..self.clone() }),
            (Status::Authorised, Change::Refund(_)) => Err(Refusal::NotCaptured),
            (Status::Captured, Change::Capture(_) | Change::Void) => Err(Refusal::Captured),
            (Status::Captured, Change::Refund(asked)) => {
                let left = self.captured - self.refunded;
                let is_within = asked <= left;
                let refunded = || Self { refunded: self.refunded + asked, ..self.clone() };
                is_within.then(refunded).ok_or(Refusal::ExceedsCaptured { asked, left })
            }
            (Status::Voided | Status::Expired | Status::Declined, _) => Err(Refusal::Ended(status)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXPIRES: u64 = 1_000;

    fn authorised(amount: i64) -> Charge {
        Charge {
            id: "ch_1".to_owned(),
            order: "1".to_owned(),
            amount,
            currency: "EUR".to_owned(),
            status: Status::Authorised,
            decline: None,
            captured: 0,
            refunded: 0,
            created_at: 0,
            expires_at: EXPIRES,
        }
    }

    fn captured(amount: i64) -> Charge {
        authorised(amount).changed(Change::Capture(amount), 1).unwrap()
    }

    #[test]
    fn a_charge_is_captured_once_and_never_beyond_what_is_held() {
        let charge = authorised(500);
        assert_eq!(
            charge.changed(Change::Capture(501), 1),
            Err(Refusal::ExceedsHeld { asked: 501, held: 500 })
        );
        let part = charge.changed(Change::Capture(300), 1).unwrap();
        assert_eq!((part.status, part.captured, part.held_at(1)), (Status::Captured, 300, 0));
        assert_eq!(part.changed(Change::Capture(200), 1), Err(Refusal::Captured));
        assert_eq!(part.changed(Change::Void, 1), Err(Refusal::Captured));
    }

    #[test]
    fn what_is_voided_declined_or_expired_stays_so() {
        let voided = authorised(500).changed(Change::Void, 1).unwrap();
        let declined = Charge { status: Status::Declined, ..authorised(500) };
        for (charge, now, status) in [
            (voided, 1, Status::Voided),
            (declined, 1, Status::Declined),
            (authorised(500), EXPIRES, Status::Expired),
        ] {
            for change in [Change::Capture(1), Change::Void, Change::Refund(1)] {
                assert_eq!(charge.changed(change, now), Err(Refusal::Ended(status)), "{change:?}");
            }
            assert_eq!(charge.held_at(now), 0);
        }
    }

    #[test]
    fn an_authorisation_is_good_until_it_expires_and_a_capture_outlives_it() {
        let charge = authorised(500);
        assert_eq!(charge.status_at(EXPIRES - 1), Status::Authorised);
        assert_eq!(captured(500).status_at(EXPIRES), Status::Captured);
        assert!(captured(500).changed(Change::Refund(500), EXPIRES).is_ok());
    }

    #[test]
    fn what_is_not_captured_is_not_refunded() {
        assert_eq!(authorised(500).changed(Change::Refund(1), 1), Err(Refusal::NotCaptured));
    }

    #[test]
    fn a_refund_beyond_what_is_captured_says_what_is_left() {
        let part = captured(500).changed(Change::Refund(200), 1).unwrap();
        let beyond = part.changed(Change::Refund(301), 1);
        assert_eq!(beyond, Err(Refusal::ExceedsCaptured { asked: 301, left: 300 }));
        assert_eq!(part.changed(Change::Refund(300), 1).unwrap().refunded, 500);
    }

    fn change() -> impl Strategy<Value = Change> {
        prop_oneof![
            (1..=MAX_MINOR).prop_map(Change::Capture),
            Just(Change::Void),
            (1..=MAX_MINOR).prop_map(Change::Refund),
        ]
    }

    proptest! {
        #[test]
        fn whatever_is_tried_no_more_is_given_back_than_taken_and_taken_than_held(
            amount in 1..=MAX_MINOR,
            changes in prop::collection::vec((change(), 0..2 * EXPIRES), 0..20),
        ) {
            let mut charge = authorised(amount);
            for (change, now) in changes {
                charge = charge.changed(change, now).unwrap_or(charge);
                prop_assert!(0 <= charge.refunded && charge.refunded <= charge.captured);
                prop_assert!(charge.captured <= charge.amount);
                prop_assert!(charge.captured == 0 || charge.status == Status::Captured);
            }
        }
    }
}
