//! The requests and replies of the cart's public API.

use std::fmt::Display;

use serde::Deserialize;

use super::{
    evidence::{Charge, Level, Order, Status},
    id::Id,
    purchase::{CURRENCY, PERCENT_OFF, Purchase, Shop, price},
};
use crate::{
    http::{Method, Reply, RequestBuf},
    journey::{Failure, Outcome, common_outcome},
};

/// The most products that one request names.
pub(super) const MAX_NAMED: usize = 100;
/// Products of a page of a list.
pub(super) const LISTED: usize = 20;
/// Sagas of a page.
pub(super) const SAGAS: usize = 100;

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct MoneyView {
    pub(super) minor: i64,
    pub(super) currency: String,
}

/// A product, of `GET /products/{id}` and of a list.
#[derive(Debug, Deserialize)]
pub(super) struct ProductView {
    pub(super) id: Id,
    pub(super) name: String,
    pub(super) price: MoneyView,
}

/// `GET /products`.
#[derive(Debug, Deserialize)]
pub(super) struct ProductsView {
    pub(super) products: Vec<ProductView>,
    pub(super) next: Option<String>,
}

/// The reply to `POST /checkouts`.
#[derive(Debug, Deserialize)]
pub(super) struct CheckedOutView {
    pub(super) order: Id,
    pub(super) total: MoneyView,
}

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
pub(super) fn product(id: Id, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/products/{id}"));
}

/// Asks for a page of a list: products whose names begin so, after a cursor.
pub(super) fn list(names: &str, after: Option<&str>, request: &mut RequestBuf) {
    let after = after.map(|after| format!("&after={after}")).unwrap_or_default();
    request.write(Method::Get, format_args!("/products?search={names}&limit={LISTED}{after}"));
}

/// Opens the cart of a buyer.
pub(super) fn open(cart: Id, customer: Id, request: &mut RequestBuf) {
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
    let (id, price) = (shop.id(product), money(price(product)));
    let body = format!(r#"{{"quantity":{quantity},"price":{price}}}"#);
    let version = format!("\"{version}\"");
    let path = format_args!("/carts/{cart}/lines/{id}");
    request.write_json(Method::Put, path, Some(("If-Match", &version)), &body);
}

/// Applies the voucher to a cart that has this version.
pub(super) fn apply(shop: &Shop, cart: Id, version: u64, request: &mut RequestBuf) {
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
    let (cart, total) = (shop.id(buyer), money(purchase.total()));
    let token = purchase.card;
    let body = format!(r#"{{"cart":"{cart}","version":{version},"total":{total},"token":"{token}"}}"#);
    let key = format!("{:x}-{buyer:x}", shop.seed);
    request.write_json(Method::Post, "/checkouts", Some(("Idempotency-Key", &key)), &body);
}

/// Cancels an order.
pub(super) fn cancel(order: Id, request: &mut RequestBuf) {
    request.write(Method::Post, format_args!("/orders/{order}/cancel"));
}

/// Asks for an order.
pub(super) fn order(order: Id, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/orders/{order}"));
}

/// Asks for the levels of products.
pub(super) fn levels(products: impl Iterator<Item = Id>, request: &mut RequestBuf) {
    request.write(Method::Get, format_args!("/stock?products={}", joined(products)));
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

/// The version of a cart, of its `ETag`.
pub(super) fn version(reply: &Reply<'_>) -> Option<u64> {
    reply.header("etag")?.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// The last part of the type of a problem.
pub(super) fn problem<'a>(reply: &'a Reply<'_>) -> Option<&'a str> {
    let view: ProblemView<'a> = serde_json::from_slice(reply.body).ok()?;
    view.kind.rsplit('/').next()
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

/// `GET /orders/{id}`.
#[derive(Debug, Deserialize)]
pub(super) struct OrderView {
    cart: Id,
    lines: Vec<LineView>,
    total: MoneyView,
    status: StatusView,
    voucher: Option<String>,
    refunds: Vec<RefundView>,
}

#[derive(Debug, Deserialize)]
struct LineView {
    product: Id,
    quantity: u64,
}

#[derive(Debug, Deserialize)]
struct RefundView {
    amount: MoneyView,
    state: String,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StatusView {
    Pending,
    Placed,
    Paid,
    Shipped,
    Cancelled,
}

impl From<OrderView> for Order {
    fn from(view: OrderView) -> Self {
        let done = view.refunds.iter().filter(|refund| refund.state == "done");
        Self {
            cart: view.cart,
            refunded: done.map(|refund| refund.amount.minor).sum(),
            lines: view.lines.iter().map(|line| (line.product, line.quantity)).collect(),
            total: view.total.minor,
            has_voucher: view.voucher.is_some(),
            status: match view.status {
                StatusView::Pending => Status::Pending,
                StatusView::Placed => Status::Placed,
                StatusView::Paid | StatusView::Shipped => Status::Paid,
                StatusView::Cancelled => Status::Cancelled,
            },
        }
    }
}

/// `GET /stock`.
#[derive(Debug, Deserialize)]
pub(super) struct LevelsView {
    pub(super) levels: Vec<LevelView>,
}

/// Where the pieces of a product are.
#[derive(Debug, Deserialize)]
pub(super) struct LevelView {
    pub(super) product: Id,
    stocked: u64,
    reserved: u64,
    sold: u64,
    left: u64,
}

impl From<&LevelView> for Level {
    fn from(&LevelView { stocked, reserved, sold, left, .. }: &LevelView) -> Self {
        Self { stocked, reserved, sold, left }
    }
}

/// `GET /vouchers/{code}`.
#[derive(Debug, Deserialize)]
pub(super) struct VoucherView {
    pub(super) used: u64,
}

/// A page of the provider's books.
#[derive(Debug, Deserialize)]
pub(super) struct BooksView {
    pub(super) charges: Vec<ChargeView>,
    pub(super) next: Option<u64>,
}

/// A charge, in the provider's words.
#[derive(Debug, Deserialize)]
pub(super) struct ChargeView {
    id: String,
    order: Id,
    held_minor: i64,
    captured_minor: i64,
    refunded_minor: i64,
}

impl From<ChargeView> for Charge {
    fn from(view: ChargeView) -> Self {
        let ChargeView { id, order, held_minor: held, captured_minor: captured, refunded_minor: refunded } =
            view;
        Self { id, order, held, captured, refunded }
    }
}

/// A page of `GET /admin/sagas`.
#[derive(Debug, Deserialize)]
pub(super) struct SagasView {
    pub(super) sagas: Vec<SagaView>,
}

/// A checkout that runs, is overdue or is parked.
#[derive(Debug, Deserialize)]
pub(super) struct SagaView {
    pub(super) order: Id,
}
