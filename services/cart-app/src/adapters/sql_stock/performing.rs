//! A command to the stock, in a transaction of either database.

use std::time::Instant;

use cart::{
    Movement, OrderId, OrderedLine, Outcome, ReservationState, StockAction, StockCommand, StockEffect,
    stock_effect, stock_expiry,
};
use contract::Timestamp;

use super::{
    rows::{Place, Row, StockRows},
    taking::{shift_own, take},
};
use crate::{
    adapters::{inbox::STOCK, rows::Aborted},
    axes::StockStrategy,
};

/// What became of a command.
pub(in crate::adapters) struct Performed {
    pub(in crate::adapters) outcome: Outcome,
    /// Since when goods are held that others may want, if any are.
    pub(in crate::adapters) since: Option<Instant>,
}

impl From<Outcome> for Performed {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, since: None }
    }
}

/// Performs a command, unless it was performed before.
pub(super) async fn perform(
    rows: &mut impl StockRows,
    strategy: StockStrategy,
    command: &StockCommand,
    seen: &[Row],
    now: Timestamp,
) -> Result<Performed, Aborted> {
    let (order, id) = (command.key.order, command.key.id());
    let noted = rows.lock_reservation(order).await?;
    if let Some(outcome) = rows.outcome(STOCK, id).await? {
        return Ok(outcome.into());
    }
    let effect = stock_effect(noted.as_ref(), &command.action);
    let performed = act(rows, strategy, order, effect, seen).await?;
    rows.note_outcome(STOCK, id, performed.outcome, now).await?;
    Ok(performed)
}

/// Gives the goods of an order back, if its reservation has ended; returns whether it had.
pub(super) async fn expire(
    rows: &mut impl StockRows,
    strategy: StockStrategy,
    order: OrderId,
    now: Timestamp,
) -> Result<bool, Aborted> {
    let noted = rows.lock_reservation(order).await?;
    let Some(effect) = noted.and_then(|noted| stock_expiry(&noted, now)) else { return Ok(false) };
    act(rows, strategy, order, effect, &[]).await?;
    Ok(true)
}

/// Sells goods to an order at once, in a transaction that does more than that, and is rolled back if they are refused.
pub(in crate::adapters) async fn sell(
    rows: &mut impl StockRows,
    strategy: StockStrategy,
    order: OrderId,
    lines: Vec<OrderedLine>,
    seen: &[Row],
    now: Timestamp,
) -> Result<Performed, Aborted> {
    let noted = rows.lock_reservation(order).await?;
    let mut effect = stock_effect(noted.as_ref(), &StockAction::Reserve { lines, until: now });
    if let (Movement::Reserve, Some(reservation)) = (effect.movement, &mut effect.reservation) {
        // What would be reserved and committed a statement later.
        (effect.movement, reservation.state) = (Movement::SellUnreserved, ReservationState::Sold);
    }
    let Some(reservation) = effect.reservation else { return Ok(effect.outcome.into()) };
    // The goods come last, because others wait for them from then on.
    rows.note_reservation(order, &reservation).await?;
    move_goods(rows, strategy, &reservation.lines, effect.movement, seen).await
}

async fn act(
    rows: &mut impl StockRows,
    strategy: StockStrategy,
    order: OrderId,
    effect: StockEffect,
    seen: &[Row],
) -> Result<Performed, Aborted> {
    let Some(reservation) = effect.reservation else { return Ok(effect.outcome.into()) };
    let moved = move_goods(rows, strategy, &reservation.lines, effect.movement, seen).await?;
    if moved.outcome != Outcome::Done {
        return Ok(moved);
    }
    rows.note_reservation(order, &reservation).await?;
    Ok(Performed { outcome: effect.outcome, ..moved })
}

async fn move_goods(
    rows: &mut impl StockRows,
    strategy: StockStrategy,
    lines: &[OrderedLine],
    movement: Movement,
    seen: &[Row],
) -> Result<Performed, Aborted> {
    let mut lines = lines.to_vec();
    lines.sort_unstable_by_key(|line| line.product);
    let taken = async |rows, to| take(rows, strategy, &lines, to, seen).await;
    let own =
        async |rows, from, to| shift_own(rows, strategy, &lines, (from, to)).await.map(|()| Outcome::Done);
    let outcome = match movement {
        Movement::Stay => return Ok(Outcome::Done.into()),
        Movement::Reserve => taken(rows, Place::Reserved).await,
        Movement::SellUnreserved => taken(rows, Place::Sold).await,
        Movement::Sell => own(rows, Place::Reserved, Place::Sold).await,
        Movement::Free => own(rows, Place::Reserved, Place::Available).await,
        Movement::TakeBack => own(rows, Place::Sold, Place::Available).await,
    }?;
    Ok(Performed { outcome, since: (outcome == Outcome::Done).then(Instant::now) })
}
