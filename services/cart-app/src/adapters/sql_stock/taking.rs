//! How an order takes goods that others want as well: the values of the axis `stock`, side by side.
//!
//! Every strategy goes through the lines in the order of the products' ids. Two orders with the same products would
//! otherwise lock them in opposite orders, and each would wait for the other (a deadlock).

use cart::{OrderedLine, Outcome, ProductId, Refusal};

use super::rows::{Condition, Place, Row, Shift, StockRows};
use crate::{adapters::rows::Aborted, axes::StockStrategy};

/// How often a transaction of `optimistic` is tried: as often as there are others that may be faster.
pub(in crate::adapters) const MOST_CONFLICTS: u32 = 64;

/// Whether the strategy checks what was read before the transaction began.
pub(in crate::adapters) fn is_checked_before(strategy: StockStrategy) -> bool {
    strategy == StockStrategy::CheckThenAct
}

/// Takes available goods, all of them or none. `seen` is what `check-then-act` has read before.
pub(super) async fn take(
    rows: &mut impl StockRows,
    strategy: StockStrategy,
    lines: &[OrderedLine],
    to: Place,
    seen: &[Row],
) -> Result<Outcome, Aborted> {
    match strategy {
        StockStrategy::RowLock => row_lock(rows, lines, to).await,
        StockStrategy::AtomicUpdate => atomic_update(rows, lines, to).await,
        StockStrategy::Optimistic => optimistic(rows, lines, to).await,
        StockStrategy::Clamp => clamp(rows, lines, to).await,
        StockStrategy::CheckThenAct => check_then_act(rows, lines, to, seen).await,
    }
}

/// Locks all rows, checks them, and writes them.
async fn row_lock(rows: &mut impl StockRows, lines: &[OrderedLine], to: Place) -> Result<Outcome, Aborted> {
    let locked = rows.lock(&products(lines)).await?;
    if let Some(refusal) = missing(lines, &locked) {
        return Ok(Outcome::Refused(refusal));
    }
    for line in lines {
        rows.shift(*line, taking(to, Condition::None)).await?;
    }
    Ok(Outcome::Done)
}

/// Checks and writes each row in one statement; gives back what was taken if a later row has too little.
async fn atomic_update(
    rows: &mut impl StockRows,
    lines: &[OrderedLine],
    to: Place,
) -> Result<Outcome, Aborted> {
    let shift = taking(to, Condition::Enough);
    for (index, line) in lines.iter().enumerate() {
        if rows.shift(*line, shift).await? {
            continue;
        }
        for taken in &lines[..index] {
            rows.shift(*taken, shift.back()).await?;
        }
        let left = rows.read(&[line.product]).await?;
        return Ok(Outcome::Refused(out_of_stock(line.product, &left)));
    }
    Ok(Outcome::Done)
}

/// Reads without a lock, and writes each row if nobody has written it since. If somebody has, the whole transaction is
/// rolled back and tried anew.
async fn optimistic(rows: &mut impl StockRows, lines: &[OrderedLine], to: Place) -> Result<Outcome, Aborted> {
    let read = rows.read(&products(lines)).await?;
    if let Some(refusal) = missing(lines, &read) {
        return Ok(Outcome::Refused(refusal));
    }
    for line in lines {
        let version = row_of(line.product, &read).map_or(0, |row| row.version);
        if !rows.shift(*line, taking(to, Condition::Version(version))).await? {
            return Err(Aborted::Conflict);
        }
    }
    Ok(Outcome::Done)
}

/// A negative control: takes as many as there are, and says that it took all. (eShop's `CatalogItem.RemoveStock` does so.)
///
/// A product that never came in has no row to take from: it is refused, as by the others.
async fn clamp(rows: &mut impl StockRows, lines: &[OrderedLine], to: Place) -> Result<Outcome, Aborted> {
    let known = rows.read(&products(lines)).await?;
    if let Some(line) = lines.iter().find(|line| row_of(line.product, &known).is_none()) {
        return Ok(Outcome::Refused(out_of_stock(line.product, &known)));
    }
    for line in lines {
        rows.shift(*line, taking(to, Condition::AtMost)).await?;
    }
    Ok(Outcome::Done)
}

/// A negative control: checks what was read before the transaction, and writes without looking again. (Vendure did so:
/// <https://github.com/vendure-ecommerce/vendure/issues/1738>.)
async fn check_then_act(
    rows: &mut impl StockRows,
    lines: &[OrderedLine],
    to: Place,
    seen: &[Row],
) -> Result<Outcome, Aborted> {
    // Nobody has looked before an order whose reservation has ended takes its goods after all.
    let now = if seen.is_empty() { rows.read(&products(lines)).await? } else { seen.to_vec() };
    if let Some(refusal) = missing(lines, &now) {
        return Ok(Outcome::Refused(refusal));
    }
    for line in lines {
        rows.shift(*line, taking(to, Condition::None)).await?;
    }
    Ok(Outcome::Done)
}

/// Moves goods that are the order's own: nobody else wants them, and they are there.
pub(super) async fn shift_own(
    rows: &mut impl StockRows,
    strategy: StockStrategy,
    lines: &[OrderedLine],
    (from, to): (Place, Place),
) -> Result<(), Aborted> {
    let is_clamped = strategy == StockStrategy::Clamp;
    let condition = if is_clamped { Condition::AtMost } else { Condition::Enough };
    for line in lines {
        if !rows.shift(*line, Shift { from, to, condition }).await? {
            let missing = format!("fewer of `{}` are {from} than an order has", line.product);
            return Err(Aborted::Statement(sqlx::Error::Protocol(missing)));
        }
    }
    Ok(())
}

fn taking(to: Place, condition: Condition) -> Shift {
    Shift { from: Place::Available, to, condition }
}

/// The products of these lines.
pub(in crate::adapters) fn products(lines: &[OrderedLine]) -> Vec<ProductId> {
    lines.iter().map(|line| line.product).collect()
}

fn row_of(product: ProductId, rows: &[Row]) -> Option<&Row> {
    rows.iter().find(|row| row.product == product)
}

/// The first product of which there is too little.
fn missing(lines: &[OrderedLine], rows: &[Row]) -> Option<Refusal> {
    let is_missing = |line: &&OrderedLine| {
        let available = row_of(line.product, rows).map_or(0, |row| row.available);
        available < i64::from(line.quantity.get())
    };
    lines.iter().find(is_missing).map(|line| out_of_stock(line.product, rows))
}

fn out_of_stock(product: ProductId, rows: &[Row]) -> Refusal {
    let available = row_of(product, rows).map_or(0, |row| row.available);
    Refusal::OutOfStock { product, left: u64::try_from(available).unwrap_or(0) }
}
