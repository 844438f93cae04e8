//! Goods and vouchers that several orders want at the same time.

use std::sync::Arc;

use cart::{
    CommandKey, CustomerId, Delivery, DeliveryId, Discount, Level, OrderId, Outcome, ProductId, Purpose,
    Refusal, Step, StockCommand, StockStore, Voucher, VoucherAction, VoucherCommand, ports::Received,
};
use cart_app::axes::StockStrategy;
use futures::future::join_all;

use super::{POT, SOUND, TEA, commit, insist, line, release, reserve};
use crate::{
    ground::{at_once, everywhere},
    stores::{Message, Stores},
    support::{START, code, euro},
};

/// Buyers at the same time: more than there are connections to the database.
const BUYERS: u128 = 24;
/// A control need not fail each time that it can.
const ROUNDS: u128 = 20;

async fn receive(stock: &dyn StockStore, id: u128, product: ProductId, quantity: u64) {
    let delivery = Delivery { id: DeliveryId(id), product, quantity };
    let received = insist(async || stock.receive(&delivery).await).await;
    assert!(matches!(received, Received::In(_)), "{received:?}");
}

async fn level(stock: &dyn StockStore, product: ProductId) -> Level {
    stock.levels(&[product]).await.unwrap()[0]
}

/// The outcomes of commands that are performed at the same time.
async fn outcomes(stock: &Arc<dyn StockStore>, commands: Vec<StockCommand>) -> Vec<Outcome> {
    let performed = commands.into_iter().map(|command| {
        let stock = Arc::clone(stock);
        async move { insist(async || stock.perform(&command, START).await).await.outcome }
    });
    join_all(performed).await
}

fn done(outcomes: &[Outcome]) -> usize {
    outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count()
}

/// How many of the buyers of the last three teas get one.
async fn sell_three(stores: &Stores, round: u128) -> usize {
    let before = level(&*stores.stock, TEA).await;
    receive(&*stores.stock, round, TEA, 3 - before.left).await;
    let buyers = (0..BUYERS).map(|buyer| reserve(round * 1_000 + buyer, vec![line(TEA, 1)]));
    done(&outcomes(&stores.stock, buyers.collect()).await)
}

#[test]
fn the_last_goods_are_reserved_once() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                for round in 1..=3 {
                    assert_eq!(sell_three(&stores, round).await, 3, "{strategy:?} on {name}");
                    let Level { stocked, reserved, sold, left, .. } = level(&*stores.stock, TEA).await;
                    assert_eq!((left, reserved + sold + left), (0, stocked), "{strategy:?} on {name}");
                }
            }
        }
    });
}

#[test]
fn a_check_without_a_lock_sells_the_last_goods_more_than_once() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::CheckThenAct).await {
            let mut oversold = false;
            for round in 1..=ROUNDS {
                let before = level(&*stores.stock, TEA).await;
                oversold |= before.reserved > before.stocked || sell_three(&stores, round).await > 3;
                if oversold {
                    break;
                }
            }
            assert!(oversold, "{name}");
            let Level { stocked, reserved, sold, left, .. } = level(&*stores.stock, TEA).await;
            assert!(sold + reserved + left > stocked, "{name}: and the levels show it");
        }
    });
}

#[test]
fn a_clamp_says_that_it_took_what_was_not_there() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::Clamp).await {
            assert_eq!(sell_three(&stores, 1).await, BUYERS as usize, "{name}");
            let Level { stocked, reserved, sold, left, .. } = level(&*stores.stock, TEA).await;
            assert_eq!((reserved, left), (3, 0), "{name}");
            assert_eq!(reserved + sold + left, stocked, "{name}: the levels do not show it");
        }
    });
}

#[test]
fn orders_whose_products_cross_never_wait_for_each_other() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                receive(&*stores.stock, 1, TEA, 1_000).await;
                receive(&*stores.stock, 2, POT, 1_000).await;
                for step in [one_way_or_the_other as fn(u128) -> StockCommand, commit, release] {
                    let commands = (1..=BUYERS).map(step).collect();
                    assert_eq!(
                        done(&outcomes(&stores.stock, commands).await),
                        BUYERS as usize,
                        "{strategy:?} on {name}"
                    );
                }
                for product in [TEA, POT] {
                    assert_eq!(level(&*stores.stock, product).await.left, 1_000, "{strategy:?} on {name}");
                }
            }
        }
    });
}

fn one_way_or_the_other(order: u128) -> StockCommand {
    let mut lines = vec![line(TEA, 1), line(POT, 1)];
    if order.is_multiple_of(2) {
        lines.reverse();
    }
    reserve(order, lines)
}

#[test]
fn a_command_that_comes_several_times_at_once_has_one_effect_and_a_reply_each_time() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                receive(&*stores.stock, 1, TEA, 10).await;
                let commands = vec![reserve(1, vec![line(TEA, 4)]); 8];
                assert_eq!(done(&outcomes(&stores.stock, commands).await), 8, "{strategy:?} on {name}");
                assert_eq!(level(&*stores.stock, TEA).await.reserved, 4, "{strategy:?} on {name}");
            }
        }
    });
    for (name, stores) in at_once(everywhere(StockStrategy::RowLock)) {
        at_once(async {
            receive(&*stores.stock, 1, TEA, 10).await;
            outcomes(&stores.stock, vec![reserve(1, vec![line(TEA, 4)]); 8]).await;
        });
        let messages: Vec<_> = std::iter::from_fn(|| stores.mail.take()).collect();
        assert!(messages.iter().all(|message| matches!(message, Message::Reply(_))), "{name}");
        assert_eq!(messages.len(), 8, "{name}: the one before may have been lost");
    }
}

#[test]
fn a_reservation_and_its_release_that_cross_leave_nothing_reserved() {
    at_once(async {
        for strategy in SOUND {
            for (name, stores) in everywhere(strategy).await {
                receive(&*stores.stock, 1, TEA, 1_000).await;
                let crossing =
                    (1..=BUYERS).flat_map(|order| [reserve(order, vec![line(TEA, 1)]), release(order)]);
                outcomes(&stores.stock, crossing.collect()).await;
                let Level { reserved, left, .. } = level(&*stores.stock, TEA).await;
                assert_eq!((reserved, left), (0, 1_000), "{strategy:?} on {name}");
            }
        }
    });
}

#[test]
fn reservations_end_once_however_many_look() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::AtomicUpdate).await {
            receive(&*stores.stock, 1, TEA, 100).await;
            let reserved = (1..=BUYERS).map(|order| reserve(order, vec![line(TEA, 1)]));
            outcomes(&stores.stock, reserved.collect()).await;
            let later = START.plus(cart::RESERVED_FOR);
            let expiries = (0..4).map(|_| {
                let stock = Arc::clone(&stores.stock);
                async move { insist(async || stock.expire(later, 100).await).await }
            });
            let expired: u32 = join_all(expiries).await.into_iter().sum();
            assert_eq!(u128::from(expired), BUYERS, "{name}");
            assert_eq!(level(&*stores.stock, TEA).await.left, 100, "{name}");
        }
    });
}

#[test]
fn a_delivery_that_comes_several_times_at_once_comes_in_once() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::RowLock).await {
            let deliveries = (0..8).map(|_| {
                let stock = Arc::clone(&stores.stock);
                async move { receive(&*stock, 1, TEA, 10).await }
            });
            join_all(deliveries).await;
            assert_eq!(level(&*stores.stock, TEA).await.stocked, 10, "{name}");
        }
    });
}

#[test]
fn a_voucher_is_used_within_its_limits_by_orders_at_the_same_time() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::RowLock).await {
            let discount = Discount::Amount(euro(5));
            let voucher = Voucher { code: code("FIVE"), discount, uses: 7, uses_by_customer: 2 };
            stores.vouchers.insert(&voucher).await.unwrap();
            let redeemed = (0..BUYERS).map(|order| {
                let vouchers = Arc::clone(&stores.vouchers);
                let customer = CustomerId(order % 3);
                let key = CommandKey { order: OrderId(order), purpose: Purpose::Do(Step::Redeem) };
                let action = VoucherAction::Redeem { code: code("FIVE"), customer };
                let command = VoucherCommand { key, action };
                async move { insist(async || vouchers.perform(&command, START).await).await.outcome }
            });
            let outcomes = join_all(redeemed).await;
            assert_eq!(done(&outcomes), 6, "{name}: two by each of three customers");
            let refused = Outcome::Refused(Refusal::VoucherUsedByCustomer);
            assert_eq!(outcomes.iter().filter(|outcome| **outcome == refused).count(), 18, "{name}");
            assert_eq!(stores.vouchers.find(&code("FIVE")).await.unwrap().unwrap().used, 6, "{name}");
        }
    });
}
