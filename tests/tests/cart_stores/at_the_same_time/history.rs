//! A second opinion on checkouts at the same time: their history is judged for strict serializability.

use cart::ProductId;
use futures::{StreamExt as _, future::join, stream};
use load::history::{Ending, Part, Transaction, judge};
use tokio::time::Instant;

use super::{
    POT, SOUND, TEA,
    sales::{place, receive, sales, wanted},
};
use crate::{
    ground::{at_once, everywhere},
    stores::Stores,
};

const BUYERS: u128 = 60;
const BUYERS_AT_ONCE: usize = 12;
const READS: usize = 40;

/// Orders of tea, of a pot, and of both in either order.
fn products(buyer: u128) -> &'static [ProductId] {
    [&[TEA][..], &[POT], &[TEA, POT], &[POT, TEA]][(buyer % 4) as usize]
}

/// A checkout appends its order to the list of each of its products.
async fn buy(stores: &Stores, buyer: u128, start: Instant) -> Transaction {
    let order = wanted(buyer, products(buyer), false);
    let element = order.id.to_string();
    let append = |product: &ProductId| Part::Append { list: product.to_string(), element: element.clone() };
    let parts = products(buyer).iter().map(append).collect();
    let placing = place(stores, order).await;
    let began = start.elapsed();
    let reply = placing.await;
    let ended = start.elapsed();
    let ending = if reply.is_ok() { Ending::Committed(ended) } else { Ending::Aborted(ended) };
    Transaction { began, ending, parts }
}

/// Reads the orders of both products in one transaction.
async fn read(stores: &Stores, start: Instant) -> Transaction {
    let began = start.elapsed();
    let seen = sales(stores).await;
    let ending = Ending::Committed(start.elapsed());
    let list = |(product, orders): (ProductId, Vec<cart::OrderId>)| Part::Read {
        list: product.to_string(),
        elements: orders.iter().map(ToString::to_string).collect(),
    };
    Transaction { began, ending, parts: [TEA, POT].into_iter().zip(seen).map(list).collect() }
}

/// So few goods that some checkouts are refused.
#[test]
fn checkouts_run_as_if_one_came_after_the_other() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                receive(&stores, 1, TEA, 40).await;
                receive(&stores, 2, POT, 1_000).await;
                let start = Instant::now();
                let buyers = stream::iter((1..=BUYERS).map(|buyer| buy(&stores, buyer, start)));
                let buyers = buyers.buffer_unordered(BUYERS_AT_ONCE).collect::<Vec<_>>();
                let reads = async {
                    let mut seen = Vec::new();
                    for _ in 0..READS {
                        seen.push(read(&stores, start).await);
                    }
                    seen
                };
                let (mut history, seen) = join(buyers, reads).await;
                let aborted = |one: &&Transaction| matches!(one.ending, Ending::Aborted(_));
                assert!(
                    history.iter().filter(aborted).count() > 0,
                    "{strategy:?} on {name}: all were placed"
                );
                history.extend(seen);
                history.push(read(&stores, start).await);
                let judged = judge(&history);
                assert!(!judged.is_undecided, "{strategy:?} on {name}: {judged:?}");
                assert_eq!(judged.anomalies, [], "{strategy:?} on {name}");
                assert!(misses_one(&mut history), "{strategy:?} on {name}: an order that is lost is found");
            }
        }
    });
}

/// Whether the judge finds it when the last read misses an order that was acknowledged.
fn misses_one(history: &mut [Transaction]) -> bool {
    if let Some(Part::Read { elements, .. }) = history.last_mut().and_then(|last| last.parts.first_mut()) {
        elements.pop();
    }
    !judge(history).anomalies.is_empty()
}
