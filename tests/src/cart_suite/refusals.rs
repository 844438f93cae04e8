//! What the cart's public API refuses.

use http::Method;
use serde_json::{Value, json};

use super::shop::{Filled, euro, id, post, product, put, send};
use crate::edge_client::EdgeClient;

pub(super) fn values_that_may_not_be_are_refused(edge: &EdgeClient) {
    let path = format!("/products/{}", id());
    for (body, status) in [
        (json!({ "name": "", "price": euro(1) }), 422),
        (json!({ "name": "x".repeat(201), "price": euro(1) }), 422),
        (json!({ "name": "Tea\u{84}", "price": euro(1) }), 422),
        (json!({ "name": "Tea", "price": euro(-1) }), 422),
        (json!({ "name": "Tea", "price": euro(i64::MAX) }), 422),
        (json!({ "name": "Tea", "price": { "minor": 1, "currency": "euro" } }), 422),
        (json!({ "name": "Tea", "price": { "minor": 1.5, "currency": "EUR" } }), 400),
        (json!({ "name": "Tea", "price": { "minor": "1", "currency": "EUR" } }), 400),
        (json!({ "name": "Tea", "price": euro(1), "colour": "green" }), 400),
        (json!({ "name": "Tea" }), 400),
    ] {
        assert_eq!(put(edge, &path, &body).status, status, "{body}");
    }
    for voucher in [
        json!({ "uses": 1, "uses_by_customer": 1 }),
        json!({ "percent_off": 1, "amount_off": euro(1), "uses": 1, "uses_by_customer": 1 }),
        json!({ "percent_off": 0, "uses": 1, "uses_by_customer": 1 }),
        json!({ "percent_off": 10_001, "uses": 1, "uses_by_customer": 1 }),
        json!({ "amount_off": euro(0), "uses": 1, "uses_by_customer": 1 }),
        json!({ "percent_off": 1, "uses": 0, "uses_by_customer": 1 }),
    ] {
        assert_eq!(put(edge, "/vouchers/SPRING", &voucher).status, 422, "{voucher}");
    }
    for query in ["limit=0", "limit=101", "limit=%2B1", "after=x", &format!("search={}", "x".repeat(201))] {
        assert_eq!(edge.get(&format!("/products?{query}")).status, 422, "{query}");
    }
    edge.get("/products?limit=1&limit=1").is_problem(400, "malformed");
    edge.get("/sales").is_problem(400, "malformed");
    edge.get("/stock?products=x").is_problem(422, "invalid-products");
    edge.get(&format!("/sales?products={}", vec![id(); 101].join(","))).is_problem(422, "invalid-products");
    edge.get("/admin/sagas?standing=sound").is_problem(422, "invalid-standing");
    let delivery = format!("/products/{}/deliveries/{}", product(edge, 1), id());
    for (quantity, status) in [(5, 200), (5, 200), (6, 409)] {
        let reply = put(edge, &delivery, &json!({ "quantity": quantity }));
        assert_eq!(reply.status, status, "{reply:?}");
    }
    put(edge, &delivery, &json!({ "quantity": 6 })).is_problem(409, "delivery-reused");
}

pub(super) fn a_change_of_a_cart_names_its_version(edge: &EdgeClient) {
    let product = product(edge, 1);
    let cart = Filled::with(edge, &product, 1);
    let path = format!("/carts/{}/lines/{product}", cart.cart);
    let line = json!({ "quantity": 2, "price": euro(500) });
    let change = |headers: &[(&str, &str)]| send(edge, &Method::PUT, &path, headers, &line);
    change(&[]).is_problem(428, "version-required");
    change(&[("if-match", "*")]).is_problem(428, "version-required");
    change(&[("if-match", "1")]).is_problem(400, "malformed");
    change(&[("if-match", "\"1\", \"2\"")]).is_problem(400, "malformed");
    for tag in ["W/\"1\"", "\"0\"", "\"2\"", "\"01\"", "\"x\""] {
        change(&[("if-match", tag)]).is_problem(412, "cart-changed");
    }
    let voucher = format!("/carts/{}/voucher", cart.cart);
    edge.ask(&Method::DELETE, &voucher, &[], "").is_problem(428, "version-required");
    edge.ask(&Method::DELETE, &path, &[("if-match", "\"7\"")], "").is_problem(412, "cart-changed");
    let unknown = json!({ "code": "NO-SUCH-CODE" });
    send(edge, &Method::PUT, &voucher, &[("if-match", "\"1\"")], &unknown).is_problem(409, "unknown-voucher");
}

pub(super) fn a_line_is_of_what_there_is_at_the_price_that_it_has(edge: &EdgeClient) {
    let product = product(edge, 1);
    let cart = Filled::with(edge, &product, 1);
    for quantity in [json!(0), json!(-1), json!(1_000), json!(1_u64 << 40)] {
        let line = json!({ "quantity": quantity, "price": euro(500) });
        cart.put_line(edge, &product, &line).is_problem(422, "invalid-quantity");
    }
    for quantity in [json!(1.5), json!("1"), Value::Null, json!(u64::MAX)] {
        let line = json!({ "quantity": quantity, "price": euro(500) });
        cart.put_line(edge, &product, &line).is_problem(400, "malformed");
    }
    let line = json!({ "quantity": 1, "price": euro(500) });
    cart.put_line(edge, &id(), &line).is_problem(404, "no-such-product");
    let cheap = cart.put_line(edge, &product, &json!({ "quantity": 1, "price": euro(499) }));
    cheap.is_problem(409, "price-changed");
    assert_eq!(cheap.json()["price"], euro(500), "the reply says the new price");
    let foreign = json!({ "minor": 500, "currency": "JPY" });
    cart.put_line(edge, &product, &json!({ "quantity": 1, "price": foreign }))
        .is_problem(409, "price-changed");
    let (foreign, yen) = (id(), json!({ "minor": 5, "currency": "JPY" }));
    put(edge, &format!("/products/{foreign}"), &json!({ "name": "Matcha", "price": yen }));
    let mixed = cart.put_line(edge, &foreign, &json!({ "quantity": 1, "price": yen }));
    mixed.is_problem(409, "mixed-currencies");
}

pub(super) fn a_checkout_is_of_what_the_customer_saw(edge: &EdgeClient) {
    let product = product(edge, 1);
    let cart = Filled::with(edge, &product, 1);
    let asked = json!({ "cart": cart.cart, "version": 1, "total": euro(500), "token": "card-1" });
    send(edge, &Method::POST, "/checkouts", &[], &asked).is_problem(400, "key-missing");
    for key in ["", "a b", &"x".repeat(129)] {
        let reply = send(edge, &Method::POST, "/checkouts", &[("idempotency-key", key)], &asked);
        reply.is_problem(400, "malformed");
    }
    for (member, value) in [("cart", json!("x")), ("version", json!(-1)), ("token", json!(""))] {
        let mut wrong = asked.clone();
        wrong[member] = value;
        let reply = send(edge, &Method::POST, "/checkouts", &[("idempotency-key", &id())], &wrong);
        reply.is_problem(422, &format!("invalid-{member}"));
    }
    let cheap = cart.check_out(edge, 499);
    cheap.is_problem(409, "price-changed");
    assert_eq!(cheap.json()["total"], euro(500), "the reply says the new total");
    Filled { version: 9, ..cart }.check_out(edge, 500).is_problem(409, "cart-changed");
    Filled::empty(edge).check_out(edge, 0).is_problem(409, "empty-cart");
    Filled { version: 0, cart: id() }.check_out(edge, 0).is_problem(409, "unknown-cart");
}

pub(super) fn what_is_not_there_is_not_found(edge: &EdgeClient) {
    for (path, slug) in
        [("products", "no-such-product"), ("carts", "no-such-cart"), ("orders", "no-such-order")]
    {
        for name in [&*id(), "x"] {
            edge.get(&format!("/{path}/{name}")).is_problem(404, slug);
        }
    }
    edge.get("/vouchers/lower-case").is_problem(404, "no-such-voucher");
    edge.get("/vouchers/NO-SUCH-CODE").is_problem(404, "no-such-voucher");
    for path in [
        format!("/orders/{}/cancel", id()),
        format!("/orders/{}/ship", id()),
        format!("/admin/sagas/{}/repair", id()),
    ] {
        post(edge, &path).is_problem(404, "no-such-order");
    }
    let refund = format!("/orders/{}/refunds/{}", id(), id());
    put(edge, &refund, &json!({ "amount": euro(1) })).is_problem(404, "no-such-order");
    edge.get("/no/such/path").is_problem(404, "no-such-path");
    edge.ask(&Method::DELETE, "/products", &[], "").is_problem(405, "method-not-allowed");
}

pub(super) fn a_webhook_is_signed(edge: &EdgeClient) {
    let hint = json!({ "charge": { "order": id() } });
    send(edge, &Method::POST, "/webhooks/provider", &[], &hint).is_problem(401, "unsigned");
    let forged = format!("t=1700000000,v1={}", "0".repeat(64));
    for signature in ["", "x", &forged] {
        let headers = [("provider-signature", signature)];
        send(edge, &Method::POST, "/webhooks/provider", &headers, &hint).is_problem(401, "unsigned");
    }
}
