//! The vocabulary of the cart's suite: a shop as its customers use it.

use std::{net::SocketAddr, time::Duration};

use http::Method;
use load::sender::Target;
use serde_json::{Value, json};

use crate::{
    edge_client::{EdgeClient, Reply},
    edge_suite::eventually,
};

/// The time limit for a checkout to end: a command that got no reply is sent again for seconds, and a busy machine is slow.
pub(super) const SETTLED_WITHIN: Duration = Duration::from_mins(1);
/// Attempts at an order that is paid, where the provider declines three charges in ten.
pub(super) const PURCHASES: usize = 20;

/// A client of a cart.
pub fn client(address: SocketAddr) -> EdgeClient {
    EdgeClient::of(address, route)
}

/// A client of a cart that several processes may serve in parts.
pub fn client_of(target: Target) -> EdgeClient {
    EdgeClient::of_target(target, route)
}

/// The route for a path.
fn route(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", "products"] => "/products",
        ["", "products", _] => "/products/{product}",
        ["", "products", _, "deliveries", _] => "/products/{product}/deliveries/{delivery}",
        ["", "stock"] => "/stock",
        ["", "carts", _] => "/carts/{cart}",
        ["", "carts", _, "lines", _] => "/carts/{cart}/lines/{product}",
        ["", "carts", _, "voucher"] => "/carts/{cart}/voucher",
        ["", "vouchers", _] => "/vouchers/{voucher}",
        ["", "checkouts"] => "/checkouts",
        ["", "orders", _] => "/orders/{order}",
        ["", "orders", _, "notices"] => "/orders/{order}/notices",
        ["", "orders", _, "cancel"] => "/orders/{order}/cancel",
        ["", "orders", _, "ship"] => "/orders/{order}/ship",
        ["", "orders", _, "refunds", _] => "/orders/{order}/refunds/{refund}",
        ["", "sales"] => "/sales",
        ["", "admin", "sagas"] => "/admin/sagas",
        ["", "admin", "sagas", _, "repair"] => "/admin/sagas/{order}/repair",
        ["", "admin", "books"] => "/admin/books",
        ["", "webhooks", "provider"] => "/webhooks/provider",
        ["", "graphql"] => "/graphql",
        ["", "openapi.json"] => "/openapi.json",
        _ => "none",
    }
}

/// The schema of a route's reply.
pub(super) fn shown(_: &str, route: &str) -> &'static str {
    match route {
        "/products" => "ProductsShown",
        "/products/{product}" => "ProductShown",
        "/products/{product}/deliveries/{delivery}" => "LevelShown",
        "/graphql" => "QueryShown",
        "/stock" => "LevelsShown",
        "/vouchers/{voucher}" => "VoucherShown",
        "/checkouts" => "CheckoutShown",
        "/orders/{order}/notices" => "NoticesShown",
        "/sales" => "SalesShown",
        "/admin/sagas" => "SagasShown",
        "/admin/books" => "BooksShown",
        route if route.starts_with("/carts") => "CartShown",
        _ => "OrderShown",
    }
}

/// A new id.
pub(super) fn id() -> String {
    uuid::Uuid::new_v4().to_string()
}

pub(super) fn euro(minor: i64) -> Value {
    json!({ "minor": minor, "currency": "EUR" })
}

/// Sends a JSON body.
pub(super) fn send(
    edge: &EdgeClient,
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Reply {
    let headers = [&[("content-type", "application/json")], headers].concat();
    edge.ask(method, path, &headers, body.to_string())
}

pub(super) fn put(edge: &EdgeClient, path: &str, body: &Value) -> Reply {
    send(edge, &Method::PUT, path, &[], body)
}

/// `POST` without a body.
pub(super) fn post(edge: &EdgeClient, path: &str) -> Reply {
    edge.ask(&Method::POST, path, &[], "")
}

#[track_caller]
pub(super) fn ok(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// A new product at five euros, with so many in stock.
pub(super) fn product(edge: &EdgeClient, pieces: u64) -> String {
    let product = id();
    ok(&put(edge, &format!("/products/{product}"), &json!({ "name": "Green tea", "price": euro(500) })));
    let delivery = format!("/products/{product}/deliveries/{}", id());
    for _ in 0..2 {
        let level = ok(&put(edge, &delivery, &json!({ "quantity": pieces })));
        assert_eq!(level["stocked"], pieces, "a delivery comes in once");
    }
    product
}

/// A cart and its version.
pub(super) struct Filled {
    pub(super) cart: String,
    pub(super) version: u64,
}

impl Filled {
    pub(super) fn empty(edge: &EdgeClient) -> Self {
        let cart = id();
        let opened = put(edge, &format!("/carts/{cart}"), &json!({ "customer": id() }));
        assert_eq!((opened.status, opened.header("etag")), (200, "\"0\""));
        Self { cart, version: 0 }
    }

    /// A new cart with so many of a product at five euros.
    pub(super) fn with(edge: &EdgeClient, product: &str, quantity: u64) -> Self {
        let cart = Self::empty(edge);
        let reply = cart.put_line(edge, product, &json!({ "quantity": quantity, "price": euro(500) }));
        assert_eq!((reply.status, reply.header("etag")), (200, "\"1\""), "{reply:?}");
        Self { version: 1, ..cart }
    }

    /// The entity tag of its version.
    pub(super) fn tag(&self) -> String {
        format!("\"{}\"", self.version)
    }

    pub(super) fn put_line(&self, edge: &EdgeClient, product: &str, line: &Value) -> Reply {
        let path = format!("/carts/{}/lines/{product}", self.cart);
        send(edge, &Method::PUT, &path, &[("if-match", &self.tag())], line)
    }

    pub(super) fn apply(&mut self, edge: &EdgeClient, code: &str) {
        let path = format!("/carts/{}/voucher", self.cart);
        let headers = [("if-match", &*self.tag())];
        let reply = send(edge, &Method::PUT, &path, &headers, &json!({ "code": code }));
        self.version = ok(&reply)["version"].as_u64().unwrap_or_default();
    }

    /// Checks out under a key. A reply that a component is away says nothing of the checkout, so it is asked for again.
    pub(super) fn check_out_as(&self, edge: &EdgeClient, key: &str, total: i64, card: &str) -> Reply {
        let body = json!({ "cart": self.cart, "version": self.version, "total": euro(total), "token": card });
        eventually(SETTLED_WITHIN, "the checkout has a reply", || {
            let reply = send(edge, &Method::POST, "/checkouts", &[("idempotency-key", key)], &body);
            let is_in_flight = reply.status == 409 && reply.text("type") == "/problems/in-flight";
            (![503, 504].contains(&reply.status) && !is_in_flight).then_some(reply)
        })
    }

    /// Checks out under a key of its own.
    pub(super) fn check_out(&self, edge: &EdgeClient, total: i64) -> Reply {
        self.check_out_as(edge, &id(), total, "card-1")
    }
}

pub(super) fn order(edge: &EdgeClient, order: &str) -> Value {
    ok(&edge.get(&format!("/orders/{order}")))
}

/// An order when its checkout has ended.
pub(super) fn settled(edge: &EdgeClient, id: &str) -> Value {
    eventually(SETTLED_WITHIN, "the checkout has ended", || {
        let order = order(edge, id);
        ["paid", "shipped", "cancelled"].iter().any(|status| order["status"] == **status).then_some(order)
    })
}

/// Why a checkout was refused: at once, or by its order when that has ended. `None` if it was paid.
pub(super) fn refusal(edge: &EdgeClient, reply: &Reply) -> Option<String> {
    if reply.status >= 400 {
        return Some(reply.text("type").trim_start_matches("/problems/").to_owned());
    }
    let made = reply.text("order");
    assert_eq!(reply.header("location"), format!("/orders/{made}"));
    settled(edge, &made)["reason"].as_str().map(str::to_owned)
}

/// An order of so many of a product that was paid: some purchases are declined where the provider does so.
pub(super) fn bought(edge: &EdgeClient, product: &str, quantity: u64) -> String {
    let total = 500 * i64::try_from(quantity).unwrap_or_default();
    for _ in 0..PURCHASES {
        let reply = Filled::with(edge, product, quantity).check_out(edge, total);
        match refusal(edge, &reply) {
            None => return reply.text("order"),
            Some(reason) => assert_eq!(reason, "payment-declined"),
        }
    }
    panic!("every payment of {PURCHASES} was declined");
}

/// Waits until a product's goods are so.
pub(super) fn level_is(edge: &EdgeClient, product: &str, sold: u64, left: u64) {
    let stocked = sold + left;
    let expected =
        json!({ "product": product, "stocked": stocked, "reserved": 0, "sold": sold, "left": left });
    let path = format!("/stock?products={product}");
    eventually(SETTLED_WITHIN, &format!("the goods are {expected}"), || {
        (ok(&edge.get(&path))["levels"] == json!([expected])).then_some(())
    });
}
