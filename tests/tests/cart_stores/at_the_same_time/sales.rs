//! Whole checkouts at the same time, in one transaction each.

use std::sync::Arc;

use cart::{
    CheckedOut, CustomerId, Decision, Delivery, DeliveryId, Discount, Fingerprint, Level, Order, OrderId,
    OrderLine, ProductId, Purchase, Refusal, Reply, RequestKey, Status, Voucher,
    ports::{Claim, Received},
};
use cart_app::axes::StockStrategy;
use futures::future::join_all;

use super::{POT, SOUND, TEA, insist};
use crate::{
    ground::{at_once, everywhere},
    stores::Stores,
    support::{START, card, code, euro, order, pieces},
};

const BUYERS: u128 = 24;
/// A control need not fail each time that it can.
const ROUNDS: u128 = 20;

/// An order of one piece of each of these products.
pub(crate) fn wanted(id: u128, products: &[ProductId], has_voucher: bool) -> Order {
    let line = |product: &ProductId| {
        let (price, discount) = (euro(10), euro(0));
        OrderLine { product: *product, quantity: pieces(1), price, discount, net: price }
    };
    let lines = products.iter().map(line).collect();
    Order { id: OrderId(id), customer: CustomerId(id), lines, ..order(10, has_voucher) }
}

/// Places an order as a checkout does whose money is held.
pub(crate) async fn place(stores: &Stores, order: Order) -> impl Future<Output = Reply> + use<> {
    let key = RequestKey::parse(order.id.to_string()).unwrap();
    let claim = Claim {
        key: key.clone(),
        fingerprint: Fingerprint(1),
        order: order.id,
        total: order.total,
        now: START,
        until: START,
        forgotten_at: START.plus(cart::REMEMBERED_FOR),
    };
    stores.orders.claim(&claim).await.unwrap();
    let shop = Arc::clone(&stores.shop);
    async move {
        let placed = Purchase::placed(order.clone(), card(), START);
        let refuse = move |reason: Refusal| -> Decision {
            Purchase::refused(order.clone(), card(), reason, true, START)
        };
        insist(async || shop.place(&key, &placed, &refuse).await).await
    }
}

/// The replies to orders that are placed at the same time.
async fn place_all(stores: &Stores, orders: impl Iterator<Item = Order>) -> Vec<Reply> {
    let mut attempts = Vec::new();
    for order in orders {
        attempts.push(place(stores, order).await);
    }
    join_all(attempts).await
}

pub(super) async fn receive(stores: &Stores, id: u128, product: ProductId, quantity: u64) {
    let received = stores.stock.receive(&Delivery { id: DeliveryId(id), product, quantity }).await.unwrap();
    assert!(matches!(received, Received::In(_)), "{received:?}");
}

async fn level(stores: &Stores, product: ProductId) -> Level {
    stores.stock.levels(&[product]).await.unwrap()[0]
}

pub(super) async fn sales(stores: &Stores) -> [Vec<OrderId>; 2] {
    let sales = stores.orders.sales(&[TEA, POT], cart::MAX_SALES).await.unwrap().unwrap();
    [sales[0].orders.clone(), sales[1].orders.clone()]
}

fn accepted(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| reply.is_ok()).count()
}

#[test]
fn the_last_goods_are_sold_once_and_everybody_else_is_told() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                receive(&stores, 1, TEA, 5).await;
                let replies = place_all(&stores, (1..=BUYERS).map(|id| wanted(id, &[TEA], false))).await;
                assert_eq!(accepted(&replies), 5, "{strategy:?} on {name}");
                let refused = Err(Refusal::OutOfStock { product: TEA, left: 0 });
                let told = replies.iter().filter(|reply| **reply == refused).count();
                assert_eq!(told, BUYERS as usize - 5, "{strategy:?} on {name}");
                let Level { reserved, sold, left, .. } = level(&stores, TEA).await;
                assert_eq!((reserved, sold, left), (0, 5, 0), "{strategy:?} on {name}");
                assert_eq!(sales(&stores).await[0].len(), 5, "{strategy:?} on {name}");
                for id in 1..=BUYERS {
                    let stored = stores.orders.find(OrderId(id)).await.unwrap().unwrap();
                    assert!(matches!(stored.order.status, Status::Placed | Status::Cancelled));
                }
            }
        }
    });
}

#[test]
fn a_checkout_that_checks_without_a_lock_sells_the_last_goods_more_than_once() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::CheckThenAct).await {
            let mut sold = 0;
            for round in 1..=ROUNDS {
                receive(&stores, round, TEA, 1).await;
                let orders = (1..=BUYERS).map(|buyer| wanted(round * 1_000 + buyer, &[TEA], false));
                sold = accepted(&place_all(&stores, orders).await);
                if sold > 1 {
                    break;
                }
            }
            assert!(sold > 1, "{name}");
        }
    });
}

#[test]
fn checkouts_whose_products_cross_never_wait_for_each_other_and_are_seen_in_one_order() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                receive(&stores, 1, TEA, 1_000).await;
                receive(&stores, 2, POT, 1_000).await;
                let crossing = |id: u128| {
                    let products = if id.is_multiple_of(2) { [TEA, POT] } else { [POT, TEA] };
                    wanted(id, &products, false)
                };
                let reader = async {
                    let mut seen = Vec::new();
                    for _ in 0..20 {
                        seen.push(sales(&stores).await);
                    }
                    seen
                };
                let (replies, seen) = tokio::join!(place_all(&stores, (1..=BUYERS).map(crossing)), reader);
                assert_eq!(accepted(&replies), BUYERS as usize, "{strategy:?} on {name}");
                let [last, _] = sales(&stores).await;
                for [tea, pot] in seen {
                    assert_eq!(tea, pot, "{strategy:?} on {name}: both of an order or none");
                    assert!(last.starts_with(&tea), "{strategy:?} on {name}: nothing comes in between");
                }
            }
        }
    });
}

#[test]
fn a_checkout_that_is_refused_takes_neither_goods_nor_a_use_of_its_voucher() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                let discount = Discount::Amount(euro(5));
                let voucher = Voucher { code: code("HALF"), discount, uses: 2, uses_by_customer: 1 };
                stores.vouchers.insert(&voucher).await.unwrap();
                receive(&stores, 1, TEA, 1).await;
                let short = place(&stores, wanted(1, &[TEA, POT], true)).await.await;
                assert_eq!(
                    short,
                    Err(Refusal::OutOfStock { product: POT, left: 0 }),
                    "{strategy:?} on {name}"
                );
                assert_eq!(level(&stores, TEA).await.left, 1, "{strategy:?} on {name}");
                let used = stores.vouchers.find(&code("HALF")).await.unwrap().unwrap().used;
                assert_eq!(used, 0, "{strategy:?} on {name}");
                receive(&stores, 2, TEA, 9).await;
                let replies = place_all(&stores, (2..=9).map(|id| wanted(id, &[TEA], true))).await;
                assert_eq!(accepted(&replies), 2, "{strategy:?} on {name}");
                assert_eq!(level(&stores, TEA).await.left, 8, "{strategy:?} on {name}");
            }
        }
    });
}

#[test]
fn attempts_with_one_key_place_one_order() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                receive(&stores, 1, TEA, 10).await;
                let replies = place_all(&stores, (0..8).map(|_| wanted(1, &[TEA], false))).await;
                let expected = CheckedOut { order: OrderId(1), status: Status::Placed, total: euro(10) };
                assert_eq!(replies, vec![Ok(expected); 8], "{strategy:?} on {name}");
                assert_eq!(level(&stores, TEA).await.sold, 1, "{strategy:?} on {name}");
            }
        }
    });
}
