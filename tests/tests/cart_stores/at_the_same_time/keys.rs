//! Requests with one key, and replies to one saga, at the same time.

use std::{sync::Arc, time::Duration};

use cart::{
    CheckedOut, Command, CommandKey, Fingerprint, Money, OrderId, OrderStore, Outcome, Payment,
    PaymentAction, PaymentCommand, PaymentState, Purchase, Purpose, Refusal, RequestKey, SagaReply,
    SagaState, Status, Step,
    ports::{Abandoned, Advanced, Claim, Claimed, Left, Settled, StoredPayment, TakenReply},
};
use cart_app::axes::StockStrategy;
use contract::Timestamp;
use futures::future::join_all;

use super::insist;
use crate::{
    ground::{at_once, everywhere},
    stores::Message,
    support::{START, card, euro, order},
};

const KEY: &str = "a-key";
const CLAIMED_FOR: Duration = Duration::from_secs(30);
const REMEMBERED_FOR: Duration = Duration::from_hours(24);

fn key() -> RequestKey {
    RequestKey::parse(KEY).unwrap()
}

fn claim(order: u128, fingerprint: u64, now: Timestamp) -> Claim {
    Claim {
        key: key(),
        fingerprint: Fingerprint(fingerprint),
        order: OrderId(order),
        total: euro(100),
        now,
        until: now.plus(CLAIMED_FOR),
        forgotten_at: now.plus(REMEMBERED_FOR),
    }
}

/// What becomes of claims of one key for the orders 1 to 16.
async fn claims(orders: &Arc<dyn OrderStore>, now: Timestamp) -> Vec<Claimed> {
    let claims = (1..=16).map(|order| {
        let orders = Arc::clone(orders);
        async move { insist(async || orders.claim(&claim(order, 1, now)).await).await }
    });
    join_all(claims).await
}

/// The order of the one claim that was granted.
fn the_one(claims: &[Claimed]) -> OrderId {
    let orders: Vec<_> = claims
        .iter()
        .filter_map(|claimed| if let Claimed::Taken(order) = claimed { Some(*order) } else { None })
        .collect();
    assert_eq!(orders.len(), 1, "{claims:?}");
    assert_eq!(claims.iter().filter(|claimed| **claimed == Claimed::InFlight).count(), claims.len() - 1);
    orders[0]
}

#[test]
fn of_several_claims_of_one_key_one_is_granted_and_keeps_its_order() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::RowLock).await {
            let first = the_one(&claims(&stores.orders, START).await);
            let ended = START.plus(CLAIMED_FOR);
            assert_eq!(the_one(&claims(&stores.orders, ended).await), first, "{name}: the claim has ended");
            stores.orders.release(&key(), Left::Nothing, ended).await.unwrap();
            assert_eq!(the_one(&claims(&stores.orders, ended).await), first, "{name}: it was released");
            let other = stores.orders.claim(&claim(1, 2, ended.plus(CLAIMED_FOR))).await.unwrap();
            assert_eq!(other, Claimed::Mismatch, "{name}");
            let forgotten = START.plus(REMEMBERED_FOR);
            let anew = stores.orders.claim(&claim(99, 2, forgotten)).await.unwrap();
            assert_eq!(anew, Claimed::Taken(OrderId(99)), "{name}: the key is as new");
        }
    });
}

/// Whoever is first decides: the checkout goes on, or its hold is given back; never both.
#[test]
fn of_a_repeat_and_the_end_of_an_abandoned_checkout_one_wins() {
    let ended = START.plus(CLAIMED_FOR);
    let command = CommandKey { order: OrderId(7), purpose: Purpose::Undo(Step::Authorise, 0) };
    let void = PaymentCommand { key: command, amount: euro(100), action: PaymentAction::Void };
    let (void, refused) = (Command::Payment(void), Err(Refusal::TimedOut));
    for (name, stores) in at_once(everywhere(StockStrategy::RowLock)) {
        let sent = || std::iter::from_fn(|| stores.mail.take()).count();
        for round in 0..20 {
            let key = RequestKey::parse(format!("key-{round}")).unwrap();
            let claim = |now| Claim { key: key.clone(), ..claim(7, 1, now) };
            let (first, repeat) = (claim(START), claim(ended));
            assert_eq!(at_once(stores.orders.claim(&first)), Ok(Claimed::Taken(OrderId(7))));
            let found = at_once(stores.orders.abandoned(ended, 10)).unwrap();
            assert_eq!(
                found,
                [Abandoned { key: key.clone(), order: OrderId(7), total: euro(100) }],
                "{name}"
            );
            let (repeated, is_ended) = at_once(async {
                tokio::join!(
                    insist(async || stores.orders.claim(&repeat).await),
                    insist(async || stores.orders.abandon(&key, ended, &refused, &void).await),
                )
            });
            let goes_on = Claimed::Taken(OrderId(7));
            assert_eq!(repeated, if is_ended { Claimed::Replied(refused) } else { goes_on }, "{name}");
            assert_eq!(sent(), usize::from(is_ended), "{name}: the command, if it has ended");
            if !is_ended {
                at_once(stores.orders.release(&key, Left::Nothing, ended)).unwrap();
                let is_ended = at_once(stores.orders.abandon(&key, ended, &refused, &void));
                assert_eq!(
                    (is_ended, sent()),
                    (Ok(true), 1),
                    "{name}: the first attempt may have left a hold"
                );
            }
        }
    }
}

#[test]
fn two_attempts_with_one_key_store_one_order() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::RowLock).await {
            stores.orders.claim(&claim(7, 1, START)).await.unwrap();
            let attempts = (0..8).map(|_| {
                let orders = Arc::clone(&stores.orders);
                let begun = Purchase::begin(order(100, false), card(), START);
                async move { insist(async || orders.begin(&key(), &begun, true).await).await }
            });
            let expected = CheckedOut { order: OrderId(7), status: Status::Pending, total: euro(100) };
            assert_eq!(join_all(attempts).await, vec![Ok(expected); 8], "{name}");
            let replied = stores.orders.claim(&claim(8, 1, START)).await.unwrap();
            assert_eq!(replied, Claimed::Replied(Ok(expected)), "{name}");
        }
    });
    for (name, stores) in at_once(everywhere(StockStrategy::RowLock)) {
        at_once(stores.orders.claim(&claim(7, 1, START))).unwrap();
        for _ in 0..2 {
            let begun = Purchase::begin(order(100, false), card(), START);
            at_once(stores.orders.begin(&key(), &begun, true)).unwrap().unwrap();
        }
        let messages: Vec<_> = std::iter::from_fn(|| stores.mail.take()).collect();
        let [Message::Command(_), Message::Event(_)] = &messages[..] else { panic!("{name}: {messages:?}") };
    }
}

#[test]
fn a_reply_that_comes_several_times_at_once_is_taken_once() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::RowLock).await {
            stores.orders.claim(&claim(7, 1, START)).await.unwrap();
            let begun = Purchase::begin(order(100, false), card(), START);
            stores.orders.begin(&key(), &begun, true).await.unwrap().unwrap();
            let command = begun.commands[0].key();
            assert_eq!(command.purpose, Purpose::Do(Step::Reserve));
            let reply = SagaReply { command, outcome: Outcome::Done };
            let taken = (0..8).map(|_| {
                let orders = Arc::clone(&stores.orders);
                async move {
                    let decide = |purchase: &Purchase| purchase.on_reply(&reply, START);
                    let taken = TakenReply { id: reply.id(), at: START };
                    let advance = async || orders.advance(OrderId(7), Some(taken), true, &decide).await;
                    matches!(insist(advance).await.unwrap(), Advanced::Changed(_))
                }
            });
            assert_eq!(join_all(taken).await.into_iter().filter(|taken| *taken).count(), 1, "{name}");
            let stored = stores.orders.find(OrderId(7)).await.unwrap().unwrap();
            assert_eq!(stored.saga.state, SagaState::Forward);
            assert_eq!(stored.saga.current(), Some(Step::Authorise), "{name}");
        }
    });
}

#[test]
fn of_two_changes_of_one_payment_one_is_stored() {
    at_once(async {
        for (name, stores) in everywhere(StockStrategy::RowLock).await {
            for version in 0..3 {
                let changes = (0..8).map(|_| {
                    let payments = Arc::clone(&stores.payments);
                    let stored = StoredPayment { payment: payment(euro(5)), token: Some(card()), version };
                    async move { insist(async || payments.store(&stored, None, START).await).await }
                });
                let settled = join_all(changes).await;
                let stored = settled.iter().filter(|settled| **settled == Settled::Stored).count();
                assert_eq!(stored, 1, "{name}");
                let found = stores.payments.find(OrderId(7)).await.unwrap().unwrap();
                assert_eq!((found.version, found.token), (version + 1, Some(card())), "{name}");
            }
        }
    });
}

fn payment(amount: Money) -> Payment {
    Payment {
        order: OrderId(7),
        amount,
        state: PaymentState::Authorised,
        charge: None,
        is_closed: false,
        refunds: Vec::new(),
    }
}
