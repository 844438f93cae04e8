//! Idempotency keys: one effect, and one reply, whatever is repeated.

use std::{sync::Arc, time::Duration};

use payment_provider::{Latency, Script};
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use crate::support::{Provider, charge, folder, until};

#[tokio::test(flavor = "multi_thread")]
async fn many_clients_with_one_key_at_once_charge_once() {
    let folder = folder();
    let script = Script { latency: Latency::Fixed { ms: 20.0 }, ..Script::default() };
    let provider = Arc::new(Provider::scripted(&folder, script).await);
    let mut clients = JoinSet::new();
    for _ in 0..64 {
        let provider = Arc::clone(&provider);
        clients.spawn(async move { provider.authorise("1", "one-key").await });
    }
    let replies = clients.join_all().await;
    let (done, in_flight): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 201);
    assert!(!done.is_empty() && done.iter().all(|reply| reply.body == done[0].body), "{done:?}");
    assert!(!in_flight.is_empty(), "nobody came while the first was in flight");
    for reply in in_flight {
        assert_eq!(reply.problem(), (409, "key-in-flight"));
        assert_eq!(reply.headers["retry-after"], "1");
    }
    assert_eq!(provider.charges().await.len(), 1);
}

#[tokio::test]
async fn a_key_that_is_repeated_gets_the_first_reply_again() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let first = provider.authorise("1", "a").await;
    provider.capture(first.text("id"), "b", 500).await;
    let again = provider.authorise("1", "a").await;
    assert_eq!((again.status, &again.body), (first.status, &first.body), "as it was, not as it is now");
    assert_eq!(
        (first.headers.get("idempotent-replayed"), again.headers["idempotent-replayed"].to_str().unwrap()),
        (None, "true")
    );
    assert_eq!(provider.charges().await.len(), 1);
}

#[tokio::test]
async fn a_refusal_is_repeated_as_well() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let id = provider.authorised("1", "a").await;
    let refused = provider.refund(&id, "too-early", 500).await;
    assert_eq!(refused.problem(), (409, "charge-not-captured"));
    assert_eq!(provider.capture(&id, "b", 500).await.status, 200);
    let again = provider.refund(&id, "too-early", 500).await;
    assert_eq!((again.status, again.body), (refused.status, refused.body));
    assert_eq!(provider.refund(&id, "now", 500).await.status, 201);
}

#[tokio::test]
async fn a_key_with_other_parameters_is_refused() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let id = provider.authorised("1", "a").await;
    let mut other = charge("1");
    other["amount_minor"] = json!(501);
    let another_amount = provider.post("/charges", "a", &other).await;
    let another_command = provider.void(&id, "a").await;
    for reply in [another_amount, another_command] {
        assert_eq!(reply.problem(), (422, "key-reused"));
    }
    let shown = provider.get(&format!("/charges/{id}")).await;
    assert_eq!((shown.text("status"), shown.number("amount_minor")), ("authorised", 500));
}

#[tokio::test]
async fn parameters_are_the_same_however_their_json_is_written() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let id = provider.authorised("1", "a").await;
    let headers = [("idempotency-key", "a"), ("content-type", "application/json; charset=utf-8")];
    let body = r#"{"token": "visa", "currency": "EUR", "capture": false, "amount_minor": 500, "order": "1"}"#;
    let again = provider.post_raw("/charges", &headers, body).await;
    assert_eq!((again.status, again.text("id")), (201, &*id));
}

#[tokio::test]
async fn a_key_that_failed_before_it_was_executed_is_still_free() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    assert_eq!(provider.capture("ch_0", "a", 500).await.problem(), (404, "no-such-charge"));
    let mut wrong = charge("1");
    wrong["currency"] = json!("XXX");
    assert_eq!(provider.post("/charges", "a", &wrong).await.status, 422);
    assert_eq!(provider.authorise("1", "a").await.status, 201);
}

#[tokio::test]
async fn a_reply_that_is_lost_after_the_work_is_there_for_the_same_key_again() {
    let folder = folder();
    let script = Script { lost_replies: 1.0, lost_reply_held_ms: 50, ..Script::default() };
    let provider = Provider::scripted(&folder, script).await;
    assert_eq!(provider.try_post("/charges", "a", &charge("1")).await, None);
    let again = provider.authorise("1", "a").await;
    assert_eq!((again.status, again.text("status")), (201, "authorised"));
    let found = provider.get("/charges?order=1").await;
    assert_eq!(found.body["charges"][0]["id"], again.body["id"]);
    assert_eq!(provider.charges().await.len(), 1);
}

#[tokio::test]
async fn what_a_client_no_longer_waits_for_is_done() {
    let folder = folder();
    let script = Script { latency: Latency::Fixed { ms: 200.0 }, ..Script::default() };
    let provider = Provider::scripted(&folder, script).await;
    let gave_up = timeout(Duration::from_millis(50), provider.authorise("1", "a")).await;
    assert!(gave_up.is_err());
    until("the charge is made", async || provider.charges().await.len() == 1).await;
    assert_eq!(provider.authorise("1", "a").await.status, 201);
    assert_eq!(provider.charges().await.len(), 1);
}

#[tokio::test]
async fn a_run_with_the_same_seed_and_keys_makes_the_same_choices_in_any_order() {
    let script = Script { seed: 7, declined: 0.5, ..Script::default() };
    let keys: Vec<_> = (0..40).map(|key| key.to_string()).collect();
    let mut runs = Vec::new();
    for is_reversed in [false, true] {
        let folder = folder();
        let provider = Provider::scripted(&folder, script.clone()).await;
        let mut keys = keys.clone();
        if is_reversed {
            keys.reverse();
        }
        let mut made = Vec::new();
        for key in keys {
            let reply = provider.authorise("1", &key).await;
            made.push((key, reply.text("id").to_owned(), reply.text("status").to_owned()));
        }
        made.sort();
        runs.push(made);
    }
    assert_eq!(runs[0], runs[1]);
    let declined = runs[0].iter().filter(|(.., status)| status == "declined").count();
    assert!((5..36).contains(&declined), "{declined}");
}
