//! The statements of the stock in a transaction of either database, and its rows.

use std::fmt;

use async_trait::async_trait;
use cart::{Level, OrderId, OrderedLine, ProductId, Reservation, ReservationState};

use crate::adapters::{
    inbox::Inbox,
    rows::{moment, parsed, undecoded},
};

/// `product, stocked, reserved, sold, available`
pub(super) type LevelRow = (String, i64, i64, i64, i64);
/// `product, available, version`
pub(super) type LockedRow = (String, i64, i64);
/// `state, until_ms, lines`; the state is null while nothing is noted.
pub(super) type ReservationRow = (Option<String>, i64, String);

/// What a strategy reads of a product before it takes some.
#[derive(Clone, Copy, Debug)]
pub(in crate::adapters) struct Row {
    pub(super) product: ProductId,
    pub(super) available: i64,
    /// Grows with each change.
    pub(super) version: i64,
}

/// The statements about goods in a transaction.
///
/// The first one of a transaction writes: SQLite takes its write lock with it, and waits for that only at the beginning.
#[async_trait]
pub(in crate::adapters) trait StockRows: Inbox {
    /// What is noted about an order, which is locked from now on: its commands take turns.
    async fn lock_reservation(&mut self, order: OrderId) -> Result<Option<Reservation>, sqlx::Error>;

    /// Notes this about an order.
    async fn note_reservation(&mut self, order: OrderId, noted: &Reservation) -> Result<(), sqlx::Error>;

    /// The rows of these products.
    async fn read(&mut self, products: &[ProductId]) -> Result<Vec<Row>, sqlx::Error>;

    /// The rows of these products, which are locked from now on. They are locked in the order of the products' ids.
    async fn lock(&mut self, products: &[ProductId]) -> Result<Vec<Row>, sqlx::Error>;

    /// Moves the pieces of a line, in one statement. Returns whether it did.
    async fn shift(&mut self, line: OrderedLine, shift: Shift) -> Result<bool, sqlx::Error>;
}

/// Where goods are: the columns of `stock_levels`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::adapters) enum Place {
    Available,
    Reserved,
    Sold,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Available => "available",
            Self::Reserved => "reserved",
            Self::Sold => "sold",
        })
    }
}

/// Under which condition pieces move.
#[derive(Clone, Copy, Debug)]
pub(in crate::adapters) enum Condition {
    /// There are as many.
    Enough,
    /// The row has this version.
    Version(i64),
    /// Always, but no more than there are.
    AtMost,
    /// Always.
    None,
}

/// Pieces that move from one place to another.
#[derive(Clone, Copy, Debug)]
pub(in crate::adapters) struct Shift {
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) condition: Condition,
}

impl Shift {
    /// The statement: its parameters are the product, the number, and the version if there is one.
    pub(super) fn statement(self, least: &str) -> String {
        let Self { from, to, condition } = self;
        let (pieces, condition) = match condition {
            Condition::Enough => ("$2".to_owned(), format!(" AND {from} >= $2")),
            Condition::Version(_) => ("$2".to_owned(), " AND version = $3".to_owned()),
            Condition::AtMost => (format!("{least}({from}, $2)"), String::new()),
            Condition::None => ("$2".to_owned(), String::new()),
        };
        format!(
            "UPDATE stock_levels SET {from} = {from} - {pieces}, {to} = {to} + {pieces}, version = version + 1
            WHERE product = $1{condition}"
        )
    }

    /// The version that the row must have.
    pub(super) fn version(self) -> Option<i64> {
        match self.condition {
            Condition::Version(version) => Some(version),
            Condition::Enough | Condition::AtMost | Condition::None => None,
        }
    }

    /// Back to where the pieces came from.
    pub(super) fn back(self) -> Self {
        Self { from: self.to, to: self.from, condition: Condition::None }
    }
}

/// Parses a row. What `check-then-act` has taken below zero is shown as nothing, so that the sum is wrong, as it is.
pub(super) fn level((product, stocked, reserved, sold, available): LevelRow) -> Result<Level, sqlx::Error> {
    let pieces = |column: i64| u64::try_from(column).unwrap_or(0);
    Ok(Level {
        product: ProductId::parse(&product).map_err(undecoded)?,
        stocked: pieces(stocked),
        reserved: pieces(reserved),
        sold: pieces(sold),
        left: pieces(available),
    })
}

/// Parses rows; zeros for a product that has none.
pub(super) fn levels(products: &[ProductId], rows: Vec<LevelRow>) -> Result<Vec<Level>, sqlx::Error> {
    let found = rows.into_iter().map(level).collect::<Result<Vec<_>, sqlx::Error>>()?;
    let of = |product: &ProductId| {
        let empty = Level { product: *product, stocked: 0, reserved: 0, sold: 0, left: 0 };
        found.iter().find(|level| level.product == *product).copied().unwrap_or(empty)
    };
    Ok(products.iter().map(of).collect())
}

/// Parses a row; fails if a column violates the contract.
pub(super) fn row((product, available, version): LockedRow) -> Result<Row, sqlx::Error> {
    Ok(Row { product: ProductId::parse(&product).map_err(undecoded)?, available, version })
}

/// Parses a row; fails if a column violates the contract.
pub(super) fn reservation(row: ReservationRow) -> Result<Option<Reservation>, sqlx::Error> {
    let (Some(state), until_ms, lines) = row else { return Ok(None) };
    let states = [
        ReservationState::Reserved,
        ReservationState::Sold,
        ReservationState::Expired,
        ReservationState::Released,
    ];
    let unknown = || sqlx::Error::Decode(format!("no reservation is `{state}`").into());
    let state = states.into_iter().find(|known| word(*known) == state).ok_or_else(unknown)?;
    Ok(Some(Reservation { lines: parsed(&lines)?, state, until: moment(until_ms) }))
}

/// The state as a column.
pub(super) fn word(state: ReservationState) -> &'static str {
    match state {
        ReservationState::Reserved => "reserved",
        ReservationState::Sold => "sold",
        ReservationState::Expired => "expired",
        ReservationState::Released => "released",
    }
}
