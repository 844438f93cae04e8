//! What calls do to each other that run at the same time: with a sound choice nothing, and with a control what it is known
//! for.

mod goods;
mod keys;
mod sales;

use std::future::Future;

use cart::{CommandKey, OrderId, OrderedLine, ProductId, Purpose, Quantity, Step, StockAction, StockCommand};
use cart_app::axes::StockStrategy;
use tokio::task::JoinSet;

use crate::support::START;

/// The strategies that keep the goods.
const SOUND: [StockStrategy; 3] =
    [StockStrategy::RowLock, StockStrategy::AtomicUpdate, StockStrategy::Optimistic];

const TEA: ProductId = ProductId(1);
const POT: ProductId = ProductId(2);

/// The outputs of futures that run at the same time.
async fn all<F>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    futures.into_iter().collect::<JoinSet<_>>().join_all().await
}

fn line(product: ProductId, pieces: u32) -> OrderedLine {
    OrderedLine { product, quantity: Quantity::new(pieces).unwrap() }
}

fn reserve(order: u128, lines: Vec<OrderedLine>) -> StockCommand {
    let key = CommandKey { order: OrderId(order), purpose: Purpose::Do(Step::Reserve) };
    StockCommand { key, action: StockAction::Reserve { lines, until: START.plus(cart::RESERVED_FOR) } }
}

fn commit(order: u128) -> StockCommand {
    let key = CommandKey { order: OrderId(order), purpose: Purpose::Do(Step::Commit) };
    StockCommand { key, action: StockAction::Commit }
}

fn release(order: u128) -> StockCommand {
    let key = CommandKey { order: OrderId(order), purpose: Purpose::Undo(Step::Reserve, 0) };
    StockCommand { key, action: StockAction::Release }
}
