//! What may be done to a charge, and what is refused.

use payment_provider::Script;
use serde_json::json;

use crate::support::{Provider, charge, folder, until};

#[tokio::test]
async fn a_charge_is_authorised_captured_and_refunded() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let made = provider.authorise("order-1", "a").await;
    assert_eq!((made.text("order"), made.text("currency")), ("order-1", "EUR"));
    assert_eq!((made.number("held_minor"), made.number("captured_minor")), (500, 0));
    let id = made.text("id");
    let captured = provider.capture(id, "b", 400).await;
    assert_eq!((captured.status, captured.text("status")), (200, "captured"));
    assert_eq!((captured.number("held_minor"), captured.number("captured_minor")), (0, 400));
    let refunded = provider.refund(id, "c", 150).await;
    assert_eq!((refunded.status, refunded.number("refunded_minor")), (201, 150));
    assert_eq!(provider.get(&format!("/charges/{id}")).await.body, refunded.body);
}

#[tokio::test]
async fn a_charge_may_be_captured_at_once() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let mut at_once = charge("1");
    at_once["capture"] = json!(true);
    let made = provider.post("/charges", "a", &at_once).await;
    assert_eq!((made.text("status"), made.number("captured_minor")), ("captured", 500));
}

#[tokio::test]
async fn a_charge_is_captured_once() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let id = provider.authorised("1", "a").await;
    assert_eq!(provider.capture(&id, "b", 300).await.status, 200);
    assert_eq!(provider.capture(&id, "c", 200).await.problem(), (409, "charge-captured"));
    assert_eq!(provider.void(&id, "d").await.problem(), (409, "charge-captured"));
    assert_eq!(provider.get(&format!("/charges/{id}")).await.number("captured_minor"), 300);
}

#[tokio::test]
async fn a_capture_beyond_what_is_held_is_refused() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let id = provider.authorised("1", "a").await;
    assert_eq!(provider.capture(&id, "b", 501).await.problem(), (409, "exceeds-held"));
    assert_eq!(provider.capture(&id, "c", 500).await.status, 200);
}

#[tokio::test]
async fn what_is_voided_is_neither_captured_nor_voided_again() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let id = provider.authorised("1", "a").await;
    let voided = provider.void(&id, "b").await;
    assert_eq!((voided.status, voided.text("status"), voided.number("held_minor")), (200, "voided", 0));
    assert_eq!(provider.capture(&id, "c", 500).await.problem(), (409, "charge-ended"));
    assert_eq!(provider.void(&id, "d").await.problem(), (409, "charge-ended"));
    assert_eq!(provider.void(&id, "b").await.body, voided.body, "the same key: the same reply");
}

#[tokio::test]
async fn a_void_needs_no_body() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let id = provider.authorised("1", "a").await;
    let path = format!("/charges/{id}/void");
    assert_eq!(provider.post_raw(&path, &[("idempotency-key", "b")], "").await.text("status"), "voided");
}

#[tokio::test]
async fn refunds_add_up_to_what_is_captured_and_no_further() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let id = provider.authorised("1", "a").await;
    provider.capture(&id, "b", 400).await;
    assert_eq!(provider.refund(&id, "c", 401).await.problem(), (409, "exceeds-captured"));
    assert_eq!(provider.refund(&id, "d", 250).await.status, 201);
    let beyond = provider.refund(&id, "e", 151).await;
    assert_eq!(beyond.problem(), (409, "exceeds-captured"));
    assert!(beyond.text("detail").contains("150"), "{beyond:?}");
    assert_eq!(provider.refund(&id, "f", 150).await.number("refunded_minor"), 400);
}

#[tokio::test]
async fn an_authorisation_expires() {
    let folder = folder();
    let script = Script { authorisation_ms: 100, ..Script::default() };
    let provider = Provider::scripted(&folder, script).await;
    let id = provider.authorised("1", "a").await;
    let path = format!("/charges/{id}");
    until("it expires", async || provider.get(&path).await.text("status") == "expired").await;
    assert_eq!(provider.get(&path).await.number("held_minor"), 0);
    assert_eq!(provider.capture(&id, "b", 500).await.problem(), (409, "charge-ended"));
    assert_eq!(provider.void(&id, "c").await.problem(), (409, "charge-ended"));
}

#[tokio::test]
async fn a_token_has_an_authorisation_that_a_capture_finds_expired() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    let mut expiring = charge("1");
    expiring["token"] = json!("expires-at-once");
    let made = provider.post("/charges", "a", &expiring).await;
    assert_eq!((made.status, made.text("status")), (201, "expired"));
    assert_eq!(provider.capture(made.text("id"), "b", 500).await.problem(), (409, "charge-ended"));
}

#[tokio::test]
async fn tokens_are_declined_for_their_reasons() {
    let folder = folder();
    let provider = Provider::correct(&folder).await;
    for token in ["declined", "insufficient-funds"] {
        let mut asked = charge("1");
        asked["token"] = json!(token);
        let made = provider.post("/charges", token, &asked).await;
        assert_eq!((made.status, made.text("status"), made.text("decline_reason")), (201, "declined", token));
        assert_eq!(made.number("held_minor"), 0);
        assert_eq!(
            provider.capture(made.text("id"), &format!("{token}-2"), 500).await.problem(),
            (409, "charge-ended")
        );
    }
}
