//! Every strategy, the controls included, is right as long as calls come one after the other: that is why such bugs pass
//! tests and reach production.

use cart::{
    Delivery, DeliveryId, Level, Outcome, ProductId, ProductSales, RESERVED_FOR, Refusal, StockCommand,
    StockStore,
};
use cart_app::axes::StockStrategy;

use crate::{
    at_the_same_time::{POT, TEA, commit, line, place, release, reserve, wanted},
    ground::{at_once, everywhere, everywhere_twice},
    support::START,
};

const EVERY: [StockStrategy; 5] = [
    StockStrategy::RowLock,
    StockStrategy::AtomicUpdate,
    StockStrategy::Optimistic,
    StockStrategy::Clamp,
    StockStrategy::CheckThenAct,
];

/// Every store with every strategy, and ten teas and two pots in it.
async fn stocked(strategy: StockStrategy) -> Vec<(String, crate::stores::Stores)> {
    let mut stocked = Vec::new();
    for (name, stores) in everywhere(strategy).await {
        for (id, product, quantity) in [(1, TEA, 10), (2, POT, 2)] {
            let delivery = Delivery { id: DeliveryId(id), product, quantity };
            stores.stock.receive(&delivery).await.unwrap();
        }
        stocked.push((format!("{strategy:?} on {name}"), stores));
    }
    stocked
}

async fn perform(stock: &dyn StockStore, command: StockCommand) -> Outcome {
    stock.perform(&command, START).await.unwrap().outcome
}

/// Reserved, sold and left of a product.
async fn places(stock: &dyn StockStore, product: ProductId) -> (u64, u64, u64) {
    let Level { stocked, reserved, sold, left, .. } = stock.levels(&[product]).await.unwrap()[0];
    assert_eq!(reserved + sold + left, stocked);
    (reserved, sold, left)
}

#[test]
fn goods_are_reserved_sold_and_given_back() {
    at_once(async {
        for strategy in EVERY {
            for (name, stores) in stocked(strategy).await {
                let stock = &*stores.stock;
                let lines = vec![line(POT, 1), line(TEA, 4)];
                assert_eq!(perform(stock, reserve(1, lines)).await, Outcome::Done, "{name}");
                assert_eq!(places(stock, TEA).await, (4, 0, 6), "{name}");
                assert_eq!(perform(stock, commit(1)).await, Outcome::Done, "{name}");
                assert_eq!(places(stock, TEA).await, (0, 4, 6), "{name}");
                assert_eq!(places(stock, POT).await, (0, 1, 1), "{name}");
                assert_eq!(perform(stock, release(1)).await, Outcome::Done, "{name}");
                assert_eq!(places(stock, TEA).await, (0, 0, 10), "{name}");
            }
        }
    });
}

#[test]
fn an_order_that_is_short_of_one_product_takes_none_unless_it_is_clamped() {
    at_once(async {
        for strategy in EVERY {
            for (name, stores) in stocked(strategy).await {
                let stock = &*stores.stock;
                let outcome = perform(stock, reserve(1, vec![line(TEA, 4), line(POT, 3)])).await;
                if strategy == StockStrategy::Clamp {
                    assert_eq!((outcome, places(stock, POT).await), (Outcome::Done, (2, 0, 0)), "{name}");
                } else {
                    let refused = Outcome::Refused(Refusal::OutOfStock { product: POT, left: 2 });
                    assert_eq!((outcome, places(stock, TEA).await), (refused, (0, 0, 10)), "{name}");
                }
            }
        }
    });
}

#[test]
fn a_reservation_that_has_ended_is_given_back_and_can_be_sold_if_the_goods_are_left() {
    at_once(async {
        for strategy in EVERY {
            for (name, stores) in stocked(strategy).await {
                let stock = &*stores.stock;
                assert_eq!(perform(stock, reserve(1, vec![line(TEA, 4)])).await, Outcome::Done, "{name}");
                assert_eq!(stock.expire(START.plus(RESERVED_FOR), 10).await, Ok(1), "{name}");
                assert_eq!(places(stock, TEA).await, (0, 0, 10), "{name}");
                assert_eq!(perform(stock, commit(1)).await, Outcome::Done, "{name}");
                assert_eq!(places(stock, TEA).await, (0, 4, 6), "{name}");
            }
        }
    });
}

#[test]
fn goods_that_never_came_in_are_refused_and_what_comes_after_them_is_free() {
    at_once(async {
        for strategy in EVERY {
            for (name, stores) in stocked(strategy).await {
                let (stock, unknown) = (&*stores.stock, ProductId(99));
                let outcome = perform(stock, reserve(1, vec![line(TEA, 4), line(unknown, 1)])).await;
                let refused = Outcome::Refused(Refusal::OutOfStock { product: unknown, left: 0 });
                assert_eq!((outcome, places(stock, TEA).await), (refused, (0, 0, 10)), "{name}");
                assert_eq!(perform(stock, release(1)).await, Outcome::Done, "{name}");
            }
        }
    });
}

/// `clamp` leaves reservations of more than was there: with a sound strategy such a one cannot be given back.
#[test]
fn an_order_whose_goods_cannot_be_given_back_holds_up_no_other() {
    at_once(async {
        for (name, clamped, stores) in everywhere_twice(StockStrategy::Clamp, StockStrategy::RowLock).await {
            for (id, product, quantity) in [(1, TEA, 10), (2, POT, 2)] {
                let delivery = Delivery { id: DeliveryId(id), product, quantity };
                clamped.stock.receive(&delivery).await.unwrap();
            }
            let stock = &*stores.stock;
            assert_eq!(
                perform(&*clamped.stock, reserve(1, vec![line(POT, 3)])).await,
                Outcome::Done,
                "{name}"
            );
            assert_eq!(perform(stock, reserve(2, vec![line(TEA, 4)])).await, Outcome::Done, "{name}");
            let expired = stock.expire(START.plus(RESERVED_FOR), 10).await;
            assert!(expired.is_err(), "{name}: it says that one is left");
            assert_eq!(places(stock, TEA).await, (0, 0, 10), "{name}");
        }
    });
}

#[test]
fn orders_of_products_are_read_whole_or_not_at_all() {
    at_once(async {
        for (name, stores) in stocked(StockStrategy::RowLock).await {
            for order in 1..=3 {
                place(&stores, wanted(order, &[TEA], false)).await.await.unwrap();
            }
            let read = async |most| stores.orders.sales(&[POT, TEA, TEA], most).await.unwrap();
            let orders = |sales: &ProductSales| sales.orders.len();
            let sales = read(3).await.unwrap();
            assert_eq!(sales.iter().map(orders).collect::<Vec<_>>(), [0, 3, 3], "{name}");
            assert_eq!(read(2).await, None, "{name}");
        }
    });
}
