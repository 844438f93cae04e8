//! The requests and replies of the cart's public API.
//!
//! What customers do goes by what the edge speaks: resources, or gRPC. What the shop itself does (offers, deliveries, the
//! voucher), and what the check reads, goes by resources wherever.

pub(super) mod calls;
pub(super) mod graphql;
pub(super) mod views;

use std::fmt::Display;

use serde::Deserialize;

pub(super) use self::views::{
    BooksView, CartView, CheckedOutView, LevelsView, MoneyView, NoticesView, OrderView, ProductView,
    ProductsView, SagasView, SalesView, VoucherView,
};
use super::{
    edge::Edge,
    id::Id,
    purchase::{CURRENCY, PERCENT_OFF, Purchase, Shop, price},
};
use crate::{
    http::{DETAILS, Method, Reply, RequestBuf},
    journey::{Failure, Outcome, common_outcome},
};

/// The most products that one request names.
pub(super) const MAX_NAMED: usize = 100;
/// Products of a page of a list.
pub(super) const LISTED: usize = 20;
/// Sagas of a page.
pub(super) const SAGAS: usize = 100;

/// The part of a problem document that says which problem it is.
#[derive(Debug, Deserialize)]
struct ProblemView<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
}

/// A product as the catalogue has to have it.
pub(super) fn is_right(view: &ProductView, shop: &Shop) -> bool {
    let MoneyView { minor, currency } = &view.price;
    let number = view.id.number(shop.seed);
    number.is_some_and(|number| {
        *minor == price(number) && currency == CURRENCY && view.name == shop.name(number)
    })
}

/// Offers a product at its price; the same again changes nothing.
pub(super) fn offer(shop: &Shop, product: u64, request: &mut RequestBuf) {
    let (id, name, price) = (shop.id(product), shop.name(product), money(price(product)));
    let body = format!(r#"{{"name":"{name}","price":{price}}}"#);
    request.write_json(Method::Put, format_args!("/products/{id}"), None, &body);
}

/// Has the pieces of a product come in, once.
pub(super) fn deliver(shop: &Shop, product: u64, request: &mut RequestBuf) {
    let (id, pieces) = (shop.id(product), shop.pieces());
    let body = format!(r#"{{"quantity":{pieces}}}"#);
    request.write_json(Method::Put, format_args!("/products/{id}/deliveries/{id}"), None, &body);
}

/// Issues the voucher; the same again changes nothing.
pub(super) fn issue(shop: &Shop, request: &mut RequestBuf) {
    let (code, uses) = (shop.voucher(), shop.few);
    let body = format!(r#"{{"percent_off":{PERCENT_OFF},"uses":{uses},"uses_by_customer":1}}"#);
    request.write_json(Method::Put, format_args!("/vouchers/{code}"), None, &body);
}

/// Asks for a product.
pub(super) fn product(shop: &Shop, id: Id, request: &mut RequestBuf) {
    if shop.edge == Edge::Grpc {
        return request.write_calls(true, [calls::product(id)]);
    }
    request.write(Method::Get, format_args!("/products/{id}"));
}

/// Asks for a page of a list: products whose names begin so, after a cursor.
pub(super) fn list(shop: &Shop, after: Option<&str>, request: &mut RequestBuf) {
    let names = shop.names();
    if shop.edge == Edge::Grpc {
        return request.write_calls(true, [calls::list(&names, after, LISTED)]);
    }
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    request.write(Method::Get, format_args!("/products?search={names}&limit={LISTED}{after}"));
}

/// Asks for a cart.
pub(super) fn cart(cart: Id, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/carts/{cart}"));
}

/// Asks for the first products whose names contain this.
pub(super) fn search(names: &str, limit: usize, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/products?search={names}&limit={limit}"));
}

/// Opens the cart of a buyer.
pub(super) fn open(shop: &Shop, cart: Id, customer: Id, request: &mut RequestBuf) {
    if shop.edge == Edge::Grpc {
        return request.write_calls(true, [calls::open(cart, customer)]);
    }
    let body = format!(r#"{{"customer":"{customer}"}}"#);
    request.write_json(Method::Put, format_args!("/carts/{cart}"), None, &body);
}

/// Puts a product into a cart that has this version.
pub(super) fn put_line(
    shop: &Shop,
    cart: Id,
    version: u64,
    (product, quantity): (u64, u32),
    request: &mut RequestBuf,
) {
    let id = shop.id(product);
    if shop.edge == Edge::Grpc {
        return request.write_calls(true, [calls::set_line(cart, version, id, quantity, price(product))]);
    }
    let body = format!(r#"{{"quantity":{quantity},"price":{}}}"#, money(price(product)));
    let version = format!("\"{version}\"");
    let path = format_args!("/carts/{cart}/lines/{id}");
    request.write_json(Method::Put, path, Some(("If-Match", &version)), &body);
}

/// Applies the voucher to a cart that has this version.
pub(super) fn apply(shop: &Shop, cart: Id, version: u64, request: &mut RequestBuf) {
    if shop.edge == Edge::Grpc {
        return request.write_calls(true, [calls::set_voucher(cart, version, shop.voucher())]);
    }
    let body = format!(r#"{{"code":"{}"}}"#, shop.voucher());
    let version = format!("\"{version}\"");
    request.write_json(
        Method::Put,
        format_args!("/carts/{cart}/voucher"),
        Some(("If-Match", &version)),
        &body,
    );
}

/// Checks a buyer's cart out. The key follows from the buyer, so that the same call is the same request.
pub(super) fn check_out(
    shop: &Shop,
    buyer: u64,
    purchase: &Purchase,
    version: u64,
    request: &mut RequestBuf,
) {
    let (cart, token) = (shop.id(buyer), purchase.card);
    let key = format!("{:x}-{buyer:x}", shop.seed);
    if shop.edge == Edge::Grpc {
        return request.write_calls(true, [calls::check_out(key, cart, version, purchase.total(), token)]);
    }
    let total = money(purchase.total());
    let body = format!(r#"{{"cart":"{cart}","version":{version},"total":{total},"token":"{token}"}}"#);
    request.write_json(Method::Post, "/checkouts", Some(("Idempotency-Key", &key)), &body);
}

/// Cancels an order.
pub(super) fn cancel(shop: &Shop, order: Id, request: &mut RequestBuf) {
    if shop.edge == Edge::Grpc {
        return request.write_calls(false, [calls::cancel(order)]);
    }
    request.write(Method::Post, format_args!("/orders/{order}/cancel"));
}

/// Asks for an order.
pub(super) fn order(order: Id, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/orders/{order}"));
}

/// Asks for what the customer of an order was told.
pub(super) fn notices(order: Id, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/orders/{order}/notices"));
}

/// Asks for the levels of products.
pub(super) fn levels(products: impl Iterator<Item = Id>, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/stock?products={}", joined(products)));
}

/// Asks for the orders of products, read in one transaction.
pub(super) fn sales(products: impl Iterator<Item = Id>, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/sales?products={}", joined(products)));
}

/// Asks for the voucher.
pub(super) fn voucher(shop: &Shop, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/vouchers/{}", shop.voucher()));
}

/// Asks for a page of the provider's books, which the shop passes on as they are.
pub(super) fn books(after: u64, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/admin/books?after={after}"));
}

/// Asks for a page of the sagas of one standing.
pub(super) fn sagas(standing: &str, after: Option<Id>, request: &mut RequestBuf) {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    request.write(Method::Get, format_args!("/admin/sagas?standing={standing}&limit={SAGAS}{after}"));
}

/// A product that was replied.
pub(super) fn product_of(shop: &Shop, reply: &Reply<'_>) -> Option<ProductView> {
    match shop.edge {
        Edge::Grpc => calls::product_of(reply.body),
        Edge::Rest | Edge::Graphql => serde_json::from_slice(reply.body).ok(),
    }
}

/// A page of a list that was replied.
pub(super) fn products_of(shop: &Shop, reply: &Reply<'_>) -> Option<ProductsView> {
    match shop.edge {
        Edge::Grpc => calls::products_of(reply.body),
        Edge::Rest | Edge::Graphql => serde_json::from_slice(reply.body).ok(),
    }
}

/// What a checkout was replied to with.
pub(super) fn checked_out(shop: &Shop, reply: &Reply<'_>) -> Option<CheckedOutView> {
    match shop.edge {
        Edge::Grpc => calls::checked_out(reply.body),
        Edge::Rest | Edge::Graphql => serde_json::from_slice(reply.body).ok(),
    }
}

/// The version of a cart that was replied: of a resource its `ETag`.
pub(super) fn version(shop: &Shop, reply: &Reply<'_>) -> Option<u64> {
    match shop.edge {
        Edge::Grpc => calls::version_of(reply.body),
        Edge::Rest | Edge::Graphql => {
            reply.header("etag")?.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
        }
    }
}

/// The last part of the type of a problem.
pub(super) fn problem(reply: &Reply<'_>) -> Option<String> {
    if let Some(details) = reply.header(DETAILS) {
        return calls::reason(details);
    }
    let view: ProblemView<'_> = serde_json::from_slice(reply.body).ok()?;
    view.kind.rsplit('/').next().map(str::to_owned)
}

/// The outcome of a status that says nothing of the operation itself.
pub(super) fn otherwise(status: u16) -> Outcome {
    common_outcome(status).unwrap_or(Outcome::Failed(Failure::UnexpectedStatus))
}

/// An amount as JSON.
fn money(minor: i64) -> impl Display {
    format!(r#"{{"minor":{minor},"currency":"{CURRENCY}"}}"#)
}

fn joined(ids: impl Iterator<Item = Id>) -> String {
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}
