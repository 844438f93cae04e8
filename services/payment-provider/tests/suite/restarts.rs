//! What was replied is in the books after a restart, and what was to be told is told.

use axum::http::StatusCode;
use payment_provider::{Config, StartError, run};
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

use crate::support::{Provider, Shop, config, folder, only, until};

#[tokio::test]
async fn books_replies_and_the_endpoint_outlive_a_restart() {
    let folder = folder();
    let shop = Shop::open().await;
    let provider = Provider::correct(&folder).await;
    let secret = provider.tells(&shop).await;
    let first = provider.authorise("1", "a").await;
    let charges = provider.charges().await;
    provider.stop().await;

    let provider = Provider::correct(&folder).await;
    assert_eq!(provider.charges().await, charges);
    let again = provider.authorise("1", "a").await;
    assert_eq!((again.status, again.body), (first.status, first.body.clone()));
    let endpoint = provider.get("/webhook-endpoint").await;
    assert_eq!(
        (endpoint.text("url"), endpoint.text("secret")),
        (&*format!("http://{}/webhooks", shop.address), &*secret)
    );
    assert_eq!(provider.capture(first.text("id"), "b", 500).await.status, 200);
}

#[tokio::test]
async fn a_webhook_that_was_due_while_nobody_ran_is_sent_afterwards() {
    let folder = folder();
    let shop = Shop::open().await;
    let late = only(|webhooks| (webhooks.late, webhooks.late_ms) = (1.0, 200));
    let provider = Provider::scripted(&folder, late.clone()).await;
    provider.tells(&shop).await;
    provider.authorised("1", "a").await;
    provider.stop().await;
    assert_eq!(shop.received().len(), 0);
    let provider = Provider::scripted(&folder, late).await;
    shop.receives(1).await;
    until("it is off the list", async || provider.pending().await == 0).await;
}

/// The process is not killed here, but nothing of it ends in order either: `lab`'s tests kill one.
#[test]
fn a_provider_that_breaks_off_in_the_middle_has_lost_nothing_that_it_replied() {
    let folder = folder();
    let outside = Runtime::new().unwrap();
    let shop = outside.block_on(Shop::replying(|number| (number > 0).then_some(StatusCode::OK)));
    let inside = Runtime::new().unwrap();
    let made = inside.block_on(async {
        let provider = Provider::scripted(&folder, only(|webhooks| webhooks.once = 1.0)).await;
        provider.tells(&shop).await;
        let made = provider.authorised("1", "a").await;
        shop.receives(1).await;
        made
    });
    inside.shutdown_background();
    outside.block_on(async {
        let provider = Provider::correct(&folder).await;
        let charges = provider.charges().await;
        assert_eq!((charges.len(), charges[0]["id"].as_str()), (1, Some(&*made)));
        assert_eq!(
            shop.receives(2).await[1].id(),
            shop.received()[0].id(),
            "what nobody acknowledged comes again"
        );
        provider.stop().await;
    });
}

#[tokio::test]
async fn what_cannot_be_served_is_said() {
    let folder = folder();
    let start = async |config: Config| {
        let listener = TcpListener::bind(config.listen).await.unwrap();
        run(config, listener, CancellationToken::new()).await.unwrap_err()
    };
    let away = start(config(&folder.path().join("nowhere"))).await;
    assert!(matches!(away, StartError::Books { .. }) && away.to_string().contains("nowhere"), "{away}");
    let mut share = config(folder.path());
    share.script.declined = 2.0;
    let share = start(share).await;
    assert!(matches!(share, StartError::Config(_)) && share.to_string().contains("hint:"), "{share}");
}
