//! What the stock does for an order: a pure decision, which every store takes inside of its transaction.

use contract::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{OrderedLine, Outcome, Refusal, StockAction};

/// What the stock has noted about an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The goods; empty if none were ever kept for the order.
    pub lines: Vec<OrderedLine>,
    /// Where they are.
    pub state: ReservationState,
    /// When they go back, if they are only reserved.
    pub until: Timestamp,
}

/// Where the goods of an order are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReservationState {
    /// They are kept for it.
    Reserved,
    /// They were given away for it.
    Sold,
    /// They went back by themselves. The order may still want them, if they are left.
    Expired,
    /// They went back on command, or were never to come: a tombstone, so that a late command takes nothing.
    Released,
}

/// What a store does for a command. If a movement finds too little left, it moves nothing, notes no reservation, and the
/// outcome is [`Refusal::OutOfStock`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockEffect {
    /// How the goods of the order move.
    pub movement: Movement,
    /// What is noted about the order.
    pub reservation: Option<Reservation>,
    /// The outcome.
    pub outcome: Outcome,
}

/// How the goods of an order move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// They stay where they are.
    Stay,
    /// From left to reserved.
    Reserve,
    /// From reserved to sold.
    Sell,
    /// From left to sold.
    SellUnreserved,
    /// From reserved to left.
    Free,
    /// From sold to left.
    TakeBack,
}

/// What the stock does for a command, by what it has noted about the order.
pub fn stock_effect(noted: Option<&Reservation>, action: &StockAction) -> StockEffect {
    match action {
        StockAction::Reserve { lines, until } => reserve(noted, lines, *until),
        StockAction::Commit => commit(noted),
        StockAction::Release => release(noted),
    }
}

/// What the stock does when a reservation has ended; `None` if it has not.
pub fn stock_expiry(noted: &Reservation, now: Timestamp) -> Option<StockEffect> {
    let has_ended = noted.state == ReservationState::Reserved && noted.until <= now;
    has_ended.then(|| noted.moved(Movement::Free, ReservationState::Expired))
}

fn reserve(noted: Option<&Reservation>, lines: &[OrderedLine], until: Timestamp) -> StockEffect {
    match noted.map(|noted| noted.state) {
        None | Some(ReservationState::Expired) => {
            let state = ReservationState::Reserved;
            let reservation = Reservation { lines: lines.to_vec(), state, until };
            StockEffect {
                movement: Movement::Reserve,
                reservation: Some(reservation),
                outcome: Outcome::Done,
            }
        }
        Some(ReservationState::Reserved | ReservationState::Sold) => StockEffect::nothing(Outcome::Done),
        Some(ReservationState::Released) => StockEffect::nothing(Outcome::Refused(Refusal::Cancelled)),
    }
}

fn commit(noted: Option<&Reservation>) -> StockEffect {
    let Some(noted) = noted else { return StockEffect::nothing(Outcome::Refused(Refusal::NotReserved)) };
    match noted.state {
        ReservationState::Reserved => noted.moved(Movement::Sell, ReservationState::Sold),
        // The saga took longer than the reservation lasts, and the money is taken: what is left will do.
        ReservationState::Expired => noted.moved(Movement::SellUnreserved, ReservationState::Sold),
        ReservationState::Sold => StockEffect::nothing(Outcome::Done),
        ReservationState::Released => StockEffect::nothing(Outcome::Refused(Refusal::Cancelled)),
    }
}

fn release(noted: Option<&Reservation>) -> StockEffect {
    let nothing = || Reservation {
        lines: Vec::new(),
        state: ReservationState::Released,
        until: Timestamp::from_millis(0),
    };
    let Some(noted) = noted else { return nothing().moved(Movement::Stay, ReservationState::Released) };
    let movement = match noted.state {
        ReservationState::Reserved => Movement::Free,
        ReservationState::Sold => Movement::TakeBack,
        ReservationState::Expired | ReservationState::Released => Movement::Stay,
    };
    noted.moved(movement, ReservationState::Released)
}

impl Reservation {
    fn moved(&self, movement: Movement, state: ReservationState) -> StockEffect {
        let reservation = Some(Self { state, ..self.clone() });
        StockEffect { movement, reservation, outcome: Outcome::Done }
    }
}

impl StockEffect {
    fn nothing(outcome: Outcome) -> Self {
        Self { movement: Movement::Stay, reservation: None, outcome }
    }
}
