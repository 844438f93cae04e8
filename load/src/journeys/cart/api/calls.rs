//! The public API in gRPC. The messages are as far as journeys need them; the numbers are those of
//! `lab/cart/shop/v1/shop.proto` and what it imports.

use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use prost::Message;

use super::views::{
    CartLineView, CartView, CheckedOutView, LevelView, LevelsView, MoneyView, ProductView, ProductsView,
};
use crate::journeys::cart::{id::Id, purchase::CURRENCY};

/// A call: its path, and its message.
type Call = (&'static str, Vec<u8>);

/// Asks for a product.
pub(crate) fn product(id: Id) -> Call {
    ("/lab.cart.shop.v1.ShopService/GetProduct", ById { id: bytes(id) }.encode_to_vec())
}

/// Asks for a page of the products whose names contain this.
pub(crate) fn list(search: &str, after: Option<&str>, limit: usize) -> Call {
    let (search, after) = (search.to_owned(), after.map(str::to_owned));
    let message = List { search, after, limit: limit as u32 };
    ("/lab.cart.shop.v1.ShopService/ListProducts", message.encode_to_vec())
}

/// Asks for the level of a product.
pub(crate) fn level(product: Id) -> Call {
    ("/lab.cart.shop.v1.ShopService/GetStock", ById { id: bytes(product) }.encode_to_vec())
}

/// Asks for a cart.
pub(crate) fn cart(id: Id) -> Call {
    ("/lab.cart.shop.v1.ShopService/GetCart", ById { id: bytes(id) }.encode_to_vec())
}

/// Opens a cart.
pub(crate) fn open(cart: Id, customer: Id) -> Call {
    let message = Open { id: bytes(cart), customer: bytes(customer) };
    ("/lab.cart.shop.v1.ShopService/OpenCart", message.encode_to_vec())
}

/// Puts so many of a product into a cart that has this version.
pub(crate) fn set_line(cart: Id, version: u64, product: Id, quantity: u32, price: i64) -> Call {
    let (cart, product, price) = (bytes(cart), bytes(product), Some(money(price)));
    let message = Line { cart, version, product, quantity: Some(quantity), price };
    ("/lab.cart.shop.v1.ShopService/SetLine", message.encode_to_vec())
}

/// Applies a voucher to a cart that has this version.
pub(crate) fn set_voucher(cart: Id, version: u64, code: String) -> Call {
    let message = Voucher { cart: bytes(cart), version, code: Some(code) };
    ("/lab.cart.shop.v1.ShopService/SetVoucher", message.encode_to_vec())
}

/// Checks a cart out.
pub(crate) fn check_out(key: String, cart: Id, version: u64, total: i64, token: &str) -> Call {
    let (cart, total, token) = (bytes(cart), Some(money(total)), token.to_owned());
    let message = Checkout { key, cart, version, total, token };
    ("/lab.cart.shop.v1.ShopService/CheckOut", message.encode_to_vec())
}

/// Cancels an order.
pub(crate) fn cancel(order: Id) -> Call {
    ("/lab.cart.shop.v1.ShopService/CancelOrder", ById { id: bytes(order) }.encode_to_vec())
}

/// The messages of a reply, in the order of its calls.
pub(crate) fn messages(mut body: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        // Each stands behind a byte that says whether it is compressed, and its length.
        let (&[_, a, b, c, d], rest) = body.split_first_chunk::<5>()?;
        let (message, behind) = rest.split_at_checked(u32::from_be_bytes([a, b, c, d]) as usize)?;
        body = behind;
        Some(message)
    })
}

/// A message as a reply of one.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    [&[0], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

/// The first message of a reply.
fn first<M: Message + Default>(body: &[u8]) -> Option<M> {
    M::decode(messages(body).next()?).ok()
}

/// The product of a reply.
pub(crate) fn product_of(body: &[u8]) -> Option<ProductView> {
    first::<ProductReply>(body)?.product?.view()
}

/// The list of a reply.
pub(crate) fn products_of(body: &[u8]) -> Option<ProductsView> {
    let ListReply { products, next } = first(body)?;
    let products = products.into_iter().map(Product::view).collect::<Option<_>>()?;
    Some(ProductsView { products, next })
}

/// The levels of a reply.
pub(crate) fn levels_of(body: &[u8]) -> Option<LevelsView> {
    let levels = first::<LevelsReply>(body)?.levels.into_iter().map(Level::view);
    Some(LevelsView { levels: levels.collect::<Option<_>>()? })
}

/// The cart of a reply.
pub(crate) fn cart_of(body: &[u8]) -> Option<CartView> {
    let lines = first::<CartReply>(body)?.cart?.lines.into_iter();
    Some(CartView { lines: lines.map(|line| CartLineView { quantity: line.quantity.into() }).collect() })
}

/// The version of the cart of a reply.
pub(crate) fn version_of(body: &[u8]) -> Option<u64> {
    Some(first::<CartReply>(body)?.cart?.version)
}

/// The reply to a checkout.
pub(crate) fn checked_out(body: &[u8]) -> Option<CheckedOutView> {
    let CheckedOut { order, total } = first(body)?;
    Some(CheckedOutView { order: id(&order)?, total: total?.view() })
}

/// The problem in the details of a status: the reason of its `google.rpc.ErrorInfo`, as the last part of a problem's type.
pub(crate) fn reason(details: &str) -> Option<String> {
    let bytes = STANDARD_NO_PAD.decode(details.trim_end_matches('=')).ok()?;
    let status = RpcStatus::decode(&*bytes).ok()?;
    let info = status.details.iter().find(|detail| detail.kind.ends_with("google.rpc.ErrorInfo"))?;
    let ErrorInfo { reason } = ErrorInfo::decode(&*info.value).ok()?;
    Some(reason.to_ascii_lowercase().replace('_', "-"))
}

fn bytes(id: Id) -> Vec<u8> {
    id.0.to_be_bytes().to_vec()
}

fn id(bytes: &[u8]) -> Option<Id> {
    bytes.try_into().ok().map(|bytes| Id(u128::from_be_bytes(bytes)))
}

fn money(minor: i64) -> Money {
    Money { minor, currency: CURRENCY.to_owned() }
}

/// A request that names a thing, or several in a list of one.
#[derive(Clone, PartialEq, Message)]
struct ById {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct List {
    #[prost(string, tag = "1")]
    search: String,
    #[prost(string, optional, tag = "2")]
    after: Option<String>,
    #[prost(uint32, tag = "3")]
    limit: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Open {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    customer: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Line {
    #[prost(bytes = "vec", tag = "1")]
    cart: Vec<u8>,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(bytes = "vec", tag = "3")]
    product: Vec<u8>,
    #[prost(uint32, optional, tag = "4")]
    quantity: Option<u32>,
    #[prost(message, optional, tag = "5")]
    price: Option<Money>,
}

#[derive(Clone, PartialEq, Message)]
struct Voucher {
    #[prost(bytes = "vec", tag = "1")]
    cart: Vec<u8>,
    #[prost(uint64, tag = "2")]
    version: u64,
    #[prost(string, optional, tag = "3")]
    code: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Checkout {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(bytes = "vec", tag = "2")]
    cart: Vec<u8>,
    #[prost(uint64, tag = "3")]
    version: u64,
    #[prost(message, optional, tag = "4")]
    total: Option<Money>,
    #[prost(string, tag = "5")]
    token: String,
}

#[derive(Clone, PartialEq, Message)]
struct Money {
    #[prost(sint64, tag = "1")]
    minor: i64,
    #[prost(string, tag = "2")]
    currency: String,
}

impl Money {
    fn view(self) -> MoneyView {
        MoneyView { minor: self.minor, currency: self.currency }
    }
}

#[derive(Clone, PartialEq, Message)]
struct ProductReply {
    #[prost(message, optional, tag = "1")]
    product: Option<Product>,
}

#[derive(Clone, PartialEq, Message)]
struct Product {
    #[prost(bytes = "vec", tag = "1")]
    id: Vec<u8>,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(message, optional, tag = "3")]
    price: Option<Money>,
}

impl Product {
    fn view(self) -> Option<ProductView> {
        Some(ProductView { id: id(&self.id)?, name: self.name, price: self.price?.view() })
    }
}

#[derive(Clone, PartialEq, Message)]
struct ListReply {
    #[prost(message, repeated, tag = "1")]
    products: Vec<Product>,
    #[prost(string, optional, tag = "2")]
    next: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct LevelsReply {
    #[prost(message, repeated, tag = "1")]
    levels: Vec<Level>,
}

#[derive(Clone, PartialEq, Message)]
struct Level {
    #[prost(bytes = "vec", tag = "1")]
    product: Vec<u8>,
    #[prost(uint64, tag = "2")]
    stocked: u64,
    #[prost(uint64, tag = "3")]
    reserved: u64,
    #[prost(uint64, tag = "4")]
    sold: u64,
    #[prost(uint64, tag = "5")]
    left: u64,
}

impl Level {
    fn view(self) -> Option<LevelView> {
        let Self { product, stocked, reserved, sold, left } = self;
        Some(LevelView { product: id(&product)?, stocked, reserved, sold, left })
    }
}

#[derive(Clone, PartialEq, Message)]
struct CartReply {
    #[prost(message, optional, tag = "1")]
    cart: Option<Cart>,
}

#[derive(Clone, PartialEq, Message)]
struct Cart {
    #[prost(uint64, tag = "3")]
    version: u64,
    #[prost(message, repeated, tag = "4")]
    lines: Vec<CartLine>,
}

#[derive(Clone, PartialEq, Message)]
struct CartLine {
    #[prost(uint32, tag = "2")]
    quantity: u32,
}

#[derive(Clone, PartialEq, Message)]
struct CheckedOut {
    #[prost(bytes = "vec", tag = "1")]
    order: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    total: Option<Money>,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, Message)]
struct ErrorInfo {
    #[prost(string, tag = "1")]
    reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_messages_of_a_reply_are_told_apart() {
        let body = [&[0, 0, 0, 0, 2][..], b"ab", &[0, 0, 0, 0, 0], &[0, 0, 0, 0, 1], b"c"].concat();
        assert_eq!(messages(&body).collect::<Vec<_>>(), [&b"ab"[..], b"", b"c"]);
        assert_eq!(messages(&body[..6]).count(), 0, "a message that is cut off does not count");
    }

    #[test]
    fn the_reason_of_a_status_is_the_name_of_a_problem() {
        let value = ErrorInfo { reason: "CART_CHANGED".to_owned() }.encode_to_vec();
        let kind = "type.googleapis.com/google.rpc.ErrorInfo".to_owned();
        let status = RpcStatus { details: vec![Detail { kind, value }] };
        let details = STANDARD_NO_PAD.encode(status.encode_to_vec());
        assert_eq!(reason(&details).as_deref(), Some("cart-changed"));
        assert_eq!(reason("!"), None);
    }
}
