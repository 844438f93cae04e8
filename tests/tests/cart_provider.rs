//! The cart's client of the payment provider, against the stand-in: what it says of each call, and that it never says more
//! than it knows.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use cart::{
    ChargeId, Currency, EventId, Money, OrderId, PaymentProvider, PaymentToken, Refusal,
    ports::{Answer, ChargeState},
};
use cart_app::{HttpProvider, edge::ProviderBooks as _};
use contract::Why;
use payment_provider::{Config, Latency, Script};
use remote::{Context, scope};
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Longer than the client waits for a reply.
const NEVER_MS: u64 = 30_000;

const AUTHORISE: EventId = EventId(1);
const CAPTURE: EventId = EventId(2);
const VOID: EventId = EventId(3);
const REFUND: EventId = EventId(4);
const ORDER: OrderId = OrderId(7);

/// A provider and its client.
struct Provided {
    client: HttpProvider,
    _stop: DropGuard,
    _folder: tempfile::TempDir,
}

async fn provided(script: Script) -> Provided {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = Config { script, ..Config::new(address, folder.path().join("books.db")) };
    let stop = CancellationToken::new();
    drop(tokio::spawn(payment_provider::run(config, listener, stop.clone())));
    let client = HttpProvider::new(&format!("http://{address}")).unwrap();
    Provided { client, _stop: stop.drop_guard(), _folder: folder }
}

async fn sound() -> Provided {
    provided(Script::default()).await
}

/// A provider that does everything, and whose first reply to each call never comes.
async fn silent() -> Provided {
    provided(Script { lost_replies: 1.0, lost_reply_held_ms: NEVER_MS, ..Script::default() }).await
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

impl Provided {
    async fn authorise(&self, minor: i64, token: &str) -> Answer<ChargeId> {
        let token = PaymentToken::parse(token).unwrap();
        self.client.authorise(AUTHORISE, ORDER, euro(minor), &token).await
    }

    /// A charge of 100.
    async fn held(&self) -> ChargeId {
        match self.authorise(100, "card").await {
            Answer::Done(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// The charge as the provider has it.
    async fn state(&self) -> Option<ChargeState> {
        match self.client.find(ORDER).await {
            Answer::Done(charge) => charge.map(|charge| charge.state),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn money_is_held_taken_and_given_back_once_by_key() {
    let provided = sound().await;
    assert_eq!(provided.state().await, None);
    let charge = provided.held().await;
    assert_eq!(provided.authorise(100, "card").await, Answer::Done(charge.clone()), "again");
    assert_eq!(provided.state().await, Some(ChargeState::Authorised));
    for _ in 0..2 {
        assert_eq!(provided.client.capture(CAPTURE, &charge, euro(100)).await, Answer::Done(()));
    }
    assert_eq!(provided.state().await, Some(ChargeState::Captured));
    for _ in 0..2 {
        assert_eq!(provided.client.refund(REFUND, &charge, euro(60)).await, Answer::Done(()));
    }
    let beyond = provided.client.refund(EventId(9), &charge, euro(41)).await;
    assert_eq!(beyond, Answer::Refused(Refusal::ExceedsPayment));
    assert_eq!(provided.client.refund(EventId(10), &charge, euro(40)).await, Answer::Done(()));
}

#[tokio::test]
async fn what_is_voided_is_not_taken_and_what_is_taken_is_not_voided() {
    let provided = sound().await;
    let charge = provided.held().await;
    let early = provided.client.refund(REFUND, &charge, euro(1)).await;
    assert_eq!(early, Answer::Refused(Refusal::NothingPaid));
    for _ in 0..2 {
        assert_eq!(provided.client.void(VOID, &charge).await, Answer::Done(()));
    }
    assert_eq!(provided.state().await, Some(ChargeState::Voided));
    let late = provided.client.capture(CAPTURE, &charge, euro(100)).await;
    assert_eq!(late, Answer::Refused(Refusal::NothingPaid));
    let provided = sound().await;
    let charge = provided.held().await;
    assert_eq!(provided.client.capture(CAPTURE, &charge, euro(100)).await, Answer::Done(()));
    assert_eq!(provided.client.void(VOID, &charge).await, Answer::Refused(Refusal::NothingPaid));
    let by_another_key = provided.client.capture(EventId(9), &charge, euro(100)).await;
    assert_eq!(by_another_key, Answer::Done(()), "it is taken, whoever asked");
}

#[tokio::test]
async fn a_charge_that_is_declined_or_has_expired_is_refused_for_its_reason() {
    for (token, reason) in
        [("declined", Refusal::PaymentDeclined), ("insufficient-funds", Refusal::InsufficientFunds)]
    {
        let provided = sound().await;
        assert_eq!(provided.authorise(100, token).await, Answer::Refused(reason));
        assert_eq!(provided.state().await, Some(ChargeState::Refused(reason)));
    }
    let provided = provided(Script { authorisation_ms: 1, ..Script::default() }).await;
    let charge = provided.held().await;
    sleep(Duration::from_millis(5)).await;
    let expired = Answer::Refused(Refusal::AuthorisationExpired);
    assert_eq!(provided.client.capture(CAPTURE, &charge, euro(100)).await, expired);
}

#[tokio::test]
async fn an_amount_that_the_provider_never_takes_is_declined() {
    let provided = sound().await;
    let declined = Answer::Refused(Refusal::PaymentDeclined);
    assert_eq!(provided.authorise(100_000_000, "card").await, declined);
    assert_eq!(provided.state().await, None);
}

#[tokio::test]
async fn after_a_time_out_the_charge_shows_what_was_done() {
    let provided = silent().await;
    let charge = provided.held().await;
    assert_eq!(provided.client.capture(CAPTURE, &charge, euro(100)).await, Answer::Done(()));
    let refund = || provided.client.refund(REFUND, &charge, euro(60));
    assert_eq!(refund().await, Answer::Unknown(Why::TimedOut), "a charge does not show which refunds it has");
    assert_eq!(refund().await, Answer::Done(()), "the same call finds out");
    let provided = silent().await;
    let charge = provided.held().await;
    assert_eq!(provided.client.void(VOID, &charge).await, Answer::Done(()));
    let provided = silent().await;
    assert_eq!(provided.authorise(100, "declined").await, Answer::Refused(Refusal::PaymentDeclined));
}

#[tokio::test]
async fn a_call_that_takes_longer_than_the_client_waits_is_unknown_until_it_is_made_again() {
    let slow = Script { latency: Latency::Fixed { ms: 1_500.0 }, ..Script::default() };
    let provided = provided(slow).await;
    assert_eq!(provided.authorise(100, "card").await, Answer::Unknown(Why::TimedOut));
    let deadline = Instant::now() + Duration::from_secs(20);
    let charge = loop {
        match provided.authorise(100, "card").await {
            Answer::Done(charge) => break charge,
            Answer::Unknown(_) => assert!(Instant::now() < deadline, "it is never done"),
            Answer::Refused(reason) => panic!("{reason}"),
        }
    };
    assert_eq!(provided.authorise(100, "card").await, Answer::Done(charge), "one charge");
}

#[tokio::test]
async fn a_client_waits_no_longer_than_whoever_called_it() {
    let slow = Script { latency: Latency::Fixed { ms: 5_000.0 }, ..Script::default() };
    let provided = provided(slow).await;
    let deadline = tokio::time::Instant::now() + Duration::from_millis(100);
    let context = Context { deadline, ..Context::unattended() };
    let begun = Instant::now();
    let answer = scope(context, provided.authorise(100, "card")).await;
    assert_eq!(answer, Answer::Unknown(Why::TimedOut));
    assert!(begun.elapsed() < Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn of_a_provider_that_is_away_nothing_is_known_but_that_it_cannot_be_reached() {
    // The port of a listener that is gone.
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = HttpProvider::new(&format!("http://{address}")).unwrap();
    let token = PaymentToken::parse("card").unwrap();
    let unreachable = Why::Unreachable;
    assert_eq!(client.authorise(AUTHORISE, ORDER, euro(100), &token).await, Answer::Unknown(unreachable));
    assert_eq!(client.find(ORDER).await, Answer::Unknown(unreachable));
    let announced = client.announce("http://127.0.0.1:1/webhooks").await;
    assert_eq!(announced.unwrap_err().why, unreachable, "a message is sent again for as long as it takes");
    assert!(HttpProvider::new("no address").is_err());
}

#[tokio::test]
async fn the_provider_takes_the_address_of_webhooks_and_tells_its_secret() {
    let provided = sound().await;
    let secret = provided.client.announce("http://127.0.0.1:1/webhooks").await.unwrap();
    assert!(!secret.is_empty());
    assert_eq!(provided.client.announce("http://127.0.0.1:1/webhooks").await.unwrap(), secret);
}

/// Declined charges of orders with long ids are the longest that the books have.
#[tokio::test]
async fn the_books_are_read_whole_however_long_their_charges_are() {
    const CHARGES: u128 = 1_100;
    let provided = sound().await;
    let token = PaymentToken::parse("insufficient-funds").unwrap();
    for charge in 0..CHARGES {
        let order = OrderId(u128::MAX - charge);
        let refused = provided.client.authorise(EventId(charge), order, euro(99_999), &token).await;
        assert_eq!(refused, Answer::Refused(Refusal::InsufficientFunds));
    }
    let (mut read, mut after) = (0, Some(0));
    while let Some(from) = after {
        let page: serde_json::Value =
            serde_json::from_slice(&provided.client.page(from).await.unwrap()).unwrap();
        read += page["charges"].as_array().unwrap().len();
        after = page["next"].as_u64();
    }
    assert_eq!(read as u128, CHARGES);
}
