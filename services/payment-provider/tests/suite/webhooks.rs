//! Webhooks: signed, and late, early, twice, out of order or never, as the script says.

use std::{sync::Arc, time::Duration};

use axum::http::StatusCode;
use payment_provider::{Config, Script, WebhookLimits, signature};
use tokio::time::sleep;

use crate::support::{Provider, Received, Shop, config, folder, only, until};

/// Longer than whatever is soon, shorter than whatever is late.
const LATE_MS: u64 = 60_000;

async fn told(script: Script, shop: &Shop) -> (tempfile::TempDir, Provider) {
    let folder = folder();
    let provider = Provider::scripted(&folder, script).await;
    provider.tells(shop).await;
    (folder, provider)
}

#[tokio::test]
async fn each_change_is_told_once_and_signed() {
    let shop = Shop::open().await;
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let secret = provider.tells(&shop).await;
    let id = provider.authorised("1", "a").await;
    shop.receives(1).await;
    let captured = provider.capture(&id, "b", 500).await;
    let received = shop.receives(2).await;
    until("both are off the list", async || provider.pending().await == 0).await;
    assert_eq!(shop.kinds(), ["charge.authorised", "charge.captured"]);
    let event = received[1].json();
    assert_eq!((&event["charge"], event["idempotency_key"].as_str()), (&captured.body, Some("b")));
    for Received { signature: given, body } in received {
        let seconds = given.split(['=', ',']).nth(1).unwrap().parse().unwrap();
        assert_eq!(given, signature(&secret, seconds, &body));
        assert_ne!(given, signature("another secret", seconds, &body));
    }
}

#[tokio::test]
async fn a_refusal_and_a_repeated_key_are_not_told() {
    let shop = Shop::open().await;
    let (_folder, provider) = told(Script::default(), &shop).await;
    let id = provider.authorised("1", "a").await;
    provider.authorised("1", "a").await;
    provider.refund(&id, "b", 1).await;
    provider.void(&id, "c").await;
    until("all are delivered", async || provider.pending().await == 0).await;
    let mut kinds = shop.kinds();
    kinds.sort();
    assert_eq!(kinds, ["charge.authorised", "charge.voided"]);
}

#[tokio::test]
async fn twice_is_the_same_event_twice() {
    let shop = Shop::open().await;
    let (_folder, provider) = told(only(|webhooks| webhooks.twice = 1.0), &shop).await;
    provider.authorised("1", "a").await;
    let received = shop.receives(2).await;
    until("both are off the list", async || provider.pending().await == 0).await;
    assert_eq!((shop.received().len(), &received[0].body), (2, &received[1].body));
}

#[tokio::test]
async fn early_comes_before_the_reply() {
    let shop = Shop::open().await;
    let (_folder, provider) = told(only(|webhooks| webhooks.early = 1.0), &shop).await;
    for key in 1..=5 {
        provider.authorised("1", &key.to_string()).await;
        assert_eq!(shop.received().len(), key);
    }
    until("all are off the list", async || provider.pending().await == 0).await;
    assert_eq!(shop.received().len(), 5);
}

#[tokio::test]
async fn early_to_a_shop_that_is_away_delays_the_reply_for_one_attempt_and_comes_later() {
    let shop = Shop::replying(|number| (number > 0).then_some(StatusCode::OK)).await;
    let folder = folder();
    let limits = WebhookLimits { attempt_ms: 50, ..config(folder.path()).webhooks };
    let script = only(|webhooks| webhooks.early = 1.0);
    let provider = Provider::start(Config { script, webhooks: limits, ..config(folder.path()) }).await;
    provider.tells(&shop).await;
    provider.authorised("1", "a").await;
    let received = shop.receives(2).await;
    assert_eq!(received[0].id(), received[1].id());
}

#[tokio::test]
async fn late_comes_when_it_is_due_and_not_before() {
    let shop = Shop::open().await;
    let (_folder, provider) =
        told(only(|webhooks| (webhooks.late, webhooks.late_ms) = (1.0, 300)), &shop).await;
    let before = std::time::Instant::now();
    provider.authorised("1", "a").await;
    shop.receives(1).await;
    assert!(before.elapsed() >= Duration::from_millis(300), "{:?}", before.elapsed());
}

#[tokio::test]
async fn out_of_order_is_after_the_next_event_of_the_charge() {
    let shop = Shop::open().await;
    let script = only(|webhooks| (webhooks.out_of_order, webhooks.late_ms) = (1.0, LATE_MS));
    let (_folder, provider) = told(script, &shop).await;
    let id = provider.authorised("1", "a").await;
    assert_eq!((shop.received().len(), provider.pending().await), (0, 1));
    provider.capture(&id, "b", 500).await;
    shop.receives(2).await;
    assert_eq!(shop.kinds(), ["charge.captured", "charge.authorised"]);
}

#[tokio::test]
async fn out_of_order_waits_for_its_own_charge_alone_and_not_for_ever() {
    let shop = Shop::open().await;
    let script = only(|webhooks| (webhooks.out_of_order, webhooks.late_ms) = (1.0, 300));
    let (_folder, provider) = told(script, &shop).await;
    let one = provider.authorised("1", "a").await;
    let other = provider.authorised("2", "b").await;
    assert_eq!(shop.received().len(), 0);
    let received = shop.receives(2).await;
    let charges: Vec<_> = received.iter().map(|event| event.json()["charge"]["id"].clone()).collect();
    assert_eq!(charges, [one, other]);
}

#[tokio::test]
async fn never_is_never() {
    let shop = Shop::open().await;
    let (_folder, provider) = told(only(|webhooks| webhooks.never = 1.0), &shop).await;
    let id = provider.authorised("1", "a").await;
    provider.capture(&id, "b", 500).await;
    assert_eq!((provider.pending().await, shop.received().len()), (0, 0));
}

#[tokio::test]
async fn a_webhook_is_sent_again_until_a_2xx() {
    let replies = [
        Some(StatusCode::INTERNAL_SERVER_ERROR),
        Some(StatusCode::FOUND),
        None,
        Some(StatusCode::BAD_REQUEST),
    ];
    let shop =
        Shop::replying(move |number| replies.get(number).copied().unwrap_or(Some(StatusCode::ACCEPTED)))
            .await;
    let folder = folder();
    let webhooks = WebhookLimits { attempt_ms: 50, ..config(folder.path()).webhooks };
    let provider = Provider::start(Config { webhooks, ..config(folder.path()) }).await;
    provider.tells(&shop).await;
    provider.authorised("1", "a").await;
    until("it is acknowledged", async || shop.received().len() == 5 && provider.pending().await == 0).await;
    let ids: Vec<_> = shop.received().iter().map(Received::id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_webhook_is_given_up_after_its_time() {
    let shop = Shop::replying(|_| Some(StatusCode::INTERNAL_SERVER_ERROR)).await;
    let folder = folder();
    let webhooks = WebhookLimits { tried_for_ms: 300, ..config(folder.path()).webhooks };
    let provider = Provider::start(Config { webhooks, ..config(folder.path()) }).await;
    provider.tells(&shop).await;
    provider.authorised("1", "a").await;
    until("it is given up", async || !shop.received().is_empty() && provider.pending().await == 0).await;
    let tried = shop.received().len();
    assert!((2..=31).contains(&tried), "{tried} attempts in 300 ms, with pauses of 10 ms at least");
    // Nothing is left that could be sent: longer than the longest pause changes nothing.
    sleep(Duration::from_millis(100)).await;
    assert_eq!(shop.received().len(), tried);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_hangs_holds_no_more_attempts_than_the_limit_and_no_replies() {
    let shop = Shop::replying(|_| None).await;
    let folder = folder();
    let webhooks = WebhookLimits { at_once: 4, attempt_ms: 60_000, ..config(folder.path()).webhooks };
    let provider = Arc::new(Provider::start(Config { webhooks, ..config(folder.path()) }).await);
    provider.tells(&shop).await;
    for key in 0..20 {
        provider.authorised("1", &key.to_string()).await;
    }
    shop.receives(4).await;
    // Every one of the twenty has been due for a while now.
    sleep(Duration::from_millis(200)).await;
    assert_eq!((shop.received().len(), provider.pending().await), (4, 20));
}

#[tokio::test]
async fn without_an_endpoint_nothing_is_told_and_nothing_waits() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    provider.authorised("1", "a").await;
    assert_eq!(provider.pending().await, 0);
    let shop = Shop::open().await;
    provider.tells(&shop).await;
    provider.authorised("1", "b").await;
    assert_eq!(shop.receives(1).await[0].json()["idempotency_key"], "b");
}
