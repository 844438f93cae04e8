//! What calls do to each other that run at the same time: with a sound choice nothing, and with a control what it is known
//! for.

mod goods;
mod history;
mod keys;
mod sales;

use cart::{CommandKey, OrderId, OrderedLine, ProductId, Purpose, Quantity, Step, StockAction, StockCommand};
use cart_app::axes::StockStrategy;
use contract::{Unavailable, Why};

pub(crate) use self::sales::{place, wanted};
use crate::support::START;

/// The strategies that keep the goods.
const SOUND: [StockStrategy; 3] =
    [StockStrategy::RowLock, StockStrategy::AtomicUpdate, StockStrategy::Optimistic];

pub(crate) const TEA: ProductId = ProductId(1);
pub(crate) const POT: ProductId = ProductId(2);

/// Calls until a connection to the database is free in time: a busy machine may be slow. A deadlock is another error.
async fn insist<T>(call: impl AsyncFn() -> Result<T, Unavailable>) -> T {
    for _ in 0..100 {
        match call().await {
            Err(Unavailable { why: Why::Overloaded, .. }) => {}
            outcome => return outcome.unwrap(),
        }
    }
    panic!("the database is overloaded for ever");
}

pub(crate) fn line(product: ProductId, pieces: u32) -> OrderedLine {
    OrderedLine { product, quantity: Quantity::new(pieces).unwrap() }
}

pub(crate) fn reserve(order: u128, lines: Vec<OrderedLine>) -> StockCommand {
    let key = CommandKey { order: OrderId(order), purpose: Purpose::Do(Step::Reserve) };
    StockCommand { key, action: StockAction::Reserve { lines, until: START.plus(cart::RESERVED_FOR) } }
}

pub(crate) fn commit(order: u128) -> StockCommand {
    let key = CommandKey { order: OrderId(order), purpose: Purpose::Do(Step::Commit) };
    StockCommand { key, action: StockAction::Commit }
}

pub(crate) fn release(order: u128) -> StockCommand {
    let key = CommandKey { order: OrderId(order), purpose: Purpose::Undo(Step::Reserve, 0) };
    StockCommand { key, action: StockAction::Release }
}
