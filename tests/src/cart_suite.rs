//! The promises of the cart's public API, one behaviour per function, for any wiring.

mod graphql;
mod grpc;
mod refusals;
mod shop;

use cart_app::axes::{EdgeStyle, Idempotency, Provider, StockStrategy};
use design::Wiring;
use http::Method;
use serde_json::{Value, json};

use self::shop::{
    Filled, PURCHASES, SETTLED_WITHIN, bought, euro, id, level_is, ok, order, post, product, put, refusal,
    settled,
};
pub use self::shop::{client, client_of};
use crate::{described, edge_client::EdgeClient, edge_suite::eventually};

/// Runs every behaviour against one edge.
pub fn behaves(edge: &EdgeClient, wiring: &Wiring) {
    products_are_listed_by_their_names_and_no_page_drifts(edge);
    a_cart_is_changed_by_the_version_that_was_seen(edge);
    a_checkout_is_paid_and_told_of_and_leaves_an_empty_cart(edge);
    an_order_is_refunded_in_parts_and_never_beyond_what_was_paid(edge);
    a_cancelled_order_gives_back_what_it_took(edge);
    what_cannot_be_bought_is_refused_and_takes_nothing(edge, wiring);
    a_voucher_is_used_as_often_as_it_may_be(edge);
    if wiring.is(Idempotency::On) {
        the_same_key_again_is_the_same_checkout(edge);
    }
    refusals::values_that_may_not_be_are_refused(edge);
    refusals::a_change_of_a_cart_names_its_version(edge);
    refusals::a_line_is_of_what_there_is_at_the_price_that_it_has(edge);
    refusals::a_checkout_is_of_what_the_customer_saw(edge);
    refusals::what_is_not_there_is_not_found(edge);
    refusals::a_webhook_is_signed(edge);
    if wiring.is(EdgeStyle::Graphql) {
        graphql::a_page_asks_once_for_all_that_it_needs(edge);
        graphql::a_query_that_cannot_be_is_refused_before_it_runs(edge);
        // Elsewhere a charge may be declined, or have no reply in time.
        if wiring.is(Provider::Sound) && wiring.is(Idempotency::On) {
            graphql::a_purchase_is_made_once_for_each_key(edge);
        }
    }
    if wiring.is(EdgeStyle::Grpc) {
        grpc::a_page_asks_for_each_thing_over_one_connection(edge);
        grpc::what_cannot_be_is_refused_by_its_name(edge);
        if wiring.is(Provider::Sound) && wiring.is(Idempotency::On) {
            grpc::a_purchase_is_made_once_for_each_key(edge);
        }
    }
    the_books_of_the_provider_are_shown(edge);
    described::has_each_of(edge, &cart_app::edge::PRIORITIES);
    described::every_text_is_bounded(edge);
    described::everything_that_was_seen(edge, shop::shown);
}

/// Buys something, and returns what the customer was told of it, in one word each, when they were told that it is paid: what
/// comes before is told by then, or never.
pub fn told_of_a_purchase(edge: &EdgeClient) -> Vec<&'static str> {
    let made = bought(edge, &product(edge, 100), 1);
    eventually(SETTLED_WITHIN, "the customer is told that the order is paid", || {
        let notices = ok(&edge.get(&format!("/orders/{made}/notices")));
        let word = |notice: &Value| match notice["text"].as_str().unwrap_or_default() {
            text if text.starts_with("your order is paid") => "paid",
            text if text.starts_with("we have your order") => "made",
            _ => "something else",
        };
        let told: Vec<_> = notices["notices"].as_array().into_iter().flatten().map(word).collect();
        told.contains(&"paid").then_some(told)
    })
}

fn products_are_listed_by_their_names_and_no_page_drifts(edge: &EdgeClient) {
    let mark = id();
    let offer = |number: u32| {
        let name = format!("{mark} {number}");
        ok(&put(edge, &format!("/products/{}", id()), &json!({ "name": name, "price": euro(1) })));
        name
    };
    let names: Vec<String> = (1..=3).map(offer).collect();
    let search = mark.to_uppercase();
    let page = |after: &str| ok(&edge.get(&format!("/products?search={search}&limit=2{after}")));
    let listed = |page: &Value| -> Vec<Value> {
        page["products"].as_array().into_iter().flatten().map(|product| product["name"].clone()).collect()
    };
    let first = page("");
    assert_eq!(listed(&first), names[..2]);
    // What comes before the place where a page ended moves no product into the next one.
    offer(0);
    let second = page(&format!("&after={}", first["next"].as_str().unwrap_or_default()));
    assert_eq!((listed(&second), &second["next"]), (vec![json!(names[2])], &Value::Null));
}

fn a_cart_is_changed_by_the_version_that_was_seen(edge: &EdgeClient) {
    let product = product(edge, 1);
    let mut cart = Filled::with(edge, &product, 2);
    let path = format!("/carts/{}", cart.cart);
    let line = json!({ "product": product, "quantity": 2, "price": euro(500) });
    assert_eq!(ok(&edge.get(&path))["lines"], json!([line]));
    put(edge, &path, &json!({ "customer": id() })).is_problem(409, "other-customer");
    let stale = Filled { version: 0, cart: cart.cart.clone() };
    let change = json!({ "quantity": 3, "price": euro(500) });
    stale.put_line(edge, &product, &change).is_problem(412, "cart-changed");
    assert_eq!(ok(&cart.put_line(edge, &product, &change))["version"], 2);
    cart.version = 2;
    let removed = format!("{path}/lines/{product}");
    let reply = edge.ask(&Method::DELETE, &removed, &[("if-match", &cart.tag())], "");
    assert_eq!((ok(&reply)["lines"].clone(), reply.header("etag")), (json!([]), "\"3\""));
}

fn a_checkout_is_paid_and_told_of_and_leaves_an_empty_cart(edge: &EdgeClient) {
    let product = product(edge, 100);
    let made = bought(edge, &product, 2);
    let order = settled(edge, &made);
    assert_eq!((&order["status"], &order["total"]), (&json!("paid"), &euro(1_000)), "{order}");
    level_is(edge, &product, 2, 98);
    let cart = format!("/carts/{}", order["cart"].as_str().unwrap_or_default());
    eventually(SETTLED_WITHIN, "the customer was told, and the cart is empty", || {
        let notices = ok(&edge.get(&format!("/orders/{made}/notices")));
        let told = notices["notices"].as_array().map_or(0, Vec::len);
        (told == 2 && ok(&edge.get(&cart))["lines"] == json!([])).then_some(())
    });
    let sales = ok(&edge.get(&format!("/sales?products={product},{}", id())));
    let orders = sales["sales"][0]["orders"].as_array();
    assert!(orders.is_some_and(|orders| orders.contains(&json!(made))), "{sales}");
    assert_eq!(sales["sales"][1]["orders"], json!([]), "{sales}");
}

fn the_same_key_again_is_the_same_checkout(edge: &EdgeClient) {
    let product = product(edge, 100);
    let (cart, key) = (Filled::with(edge, &product, 1), id());
    let first = cart.check_out_as(edge, &key, 500, "card-1");
    let end = refusal(edge, &first);
    let again = cart.check_out_as(edge, &key, 500, "card-1");
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    cart.check_out_as(edge, &key, 501, "card-1").is_problem(422, "key-reused");
    let sold = u64::from(end.is_none());
    level_is(edge, &product, sold, 100 - sold);
}

fn an_order_is_refunded_in_parts_and_never_beyond_what_was_paid(edge: &EdgeClient) {
    let made = bought(edge, &product(edge, 100), 2);
    let part = id();
    let refund = |id: &str, amount: &Value| {
        put(edge, &format!("/orders/{made}/refunds/{id}"), &json!({ "amount": amount }))
    };
    for _ in 0..2 {
        ok(&refund(&part, &euro(300)));
    }
    refund(&part, &euro(301)).is_problem(422, "refund-reused");
    refund(&id(), &euro(701)).is_problem(409, "exceeds-payment");
    refund(&id(), &json!({ "minor": 1, "currency": "JPY" })).is_problem(409, "exceeds-payment");
    refund(&id(), &euro(0)).is_problem(422, "invalid-value");
    let done = json!([{ "id": part, "amount": euro(300), "state": "done", "reason": null }]);
    eventually(SETTLED_WITHIN, "the refund is done", || {
        (order(edge, &made)["refunds"] == done).then_some(())
    });
    ok(&post(edge, &format!("/orders/{made}/ship")));
    post(edge, &format!("/orders/{made}/cancel")).is_problem(409, "shipped");
}

fn a_cancelled_order_gives_back_what_it_took(edge: &EdgeClient) {
    let product = product(edge, 100);
    let made = bought(edge, &product, 3);
    ok(&post(edge, &format!("/orders/{made}/cancel")));
    assert_eq!(settled(edge, &made)["reason"], "cancelled");
    level_is(edge, &product, 0, 100);
    post(edge, &format!("/orders/{made}/ship")).is_problem(409, "not-paid");
    post(edge, &format!("/admin/sagas/{made}/repair")).is_problem(409, "not-parked");
}

fn what_cannot_be_bought_is_refused_and_takes_nothing(edge: &EdgeClient, wiring: &Wiring) {
    let product = product(edge, 10);
    for (card, reason) in [("declined", "payment-declined"), ("insufficient-funds", "insufficient-funds")] {
        let declined = Filled::with(edge, &product, 1).check_out_as(edge, &id(), 500, card);
        assert!([202, 402].contains(&declined.status), "{declined:?}");
        assert_eq!(refusal(edge, &declined).as_deref(), Some(reason));
    }
    level_is(edge, &product, 0, 10);
    if !wiring.is(StockStrategy::Clamp) {
        let refused = refusal(edge, &Filled::with(edge, &product, 11).check_out(edge, 5_500));
        // A payment may be declined before the goods are looked for.
        let reasons = ["out-of-stock", "payment-declined"];
        assert!(refused.as_deref().is_some_and(|reason| reasons.contains(&reason)), "{refused:?}");
        level_is(edge, &product, 0, 10);
    }
}

fn a_voucher_is_used_as_often_as_it_may_be(edge: &EdgeClient) {
    let (product, code) = (product(edge, 100), format!("V{}", &id().to_uppercase()[..8]));
    let voucher = json!({ "percent_off": 1_000, "uses": 1, "uses_by_customer": 1 });
    let path = format!("/vouchers/{code}");
    for _ in 0..2 {
        ok(&put(edge, &path, &voucher));
    }
    let other = json!({ "amount_off": euro(5), "uses": 1, "uses_by_customer": 1 });
    put(edge, &path, &other).is_problem(409, "voucher-taken");
    let mut ends = Vec::new();
    while ends.last().is_none_or(|end| end != "voucher-used-up") {
        assert!(ends.len() <= PURCHASES, "{ends:?}");
        let mut cart = Filled::with(edge, &product, 1);
        cart.apply(edge, &code);
        ends.push(refusal(edge, &cart.check_out(edge, 450)).unwrap_or_default());
    }
    assert_eq!(ends.iter().filter(|end| end.is_empty()).count(), 1, "one was paid: {ends:?}");
    assert_eq!(ok(&edge.get(&path))["used"], 1);
}

fn the_books_of_the_provider_are_shown(edge: &EdgeClient) {
    let books = ok(&edge.get("/admin/books?after=0"));
    assert!(books["charges"].as_array().is_some_and(|charges| !charges.is_empty()), "{books}");
    edge.get("/admin/books?after=x").is_problem(422, "invalid-after");
    for standing in ["running", "stuck", "parked"] {
        ok(&edge.get(&format!("/admin/sagas?standing={standing}&limit=1")));
    }
}
