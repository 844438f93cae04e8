//! The OpenAPI schemas of the public API's values; each bound and pattern is the constant that the parser
//! checks.

use cart::{
    Currency, MAX_NAME_CHARS, MAX_PRICE, MAX_PRODUCTS, MAX_SAGAS, MAX_STOCKED, MAX_USES, PaymentToken,
    PercentOff, Quantity, RequestKey, VoucherCode,
};
use runtime::edge::{or_null, text, text_of, whole};
use serde_json::json;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, Type};

/// An entity tag (RFC 9110, 8.8.3).
pub(super) const IF_MATCH_PATTERN: &str = r#"^(W/)?"[^\x00-\x20"\x7f]*"$"#;

/// A name, or a part of one: no control characters.
const NAME_PATTERN: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";

/// An id: a UUID.
const ID_PATTERN: &str = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$";

fn id() -> ObjectBuilder {
    text(ID_PATTERN).examples([json!("018f4e2a-6c1b-7d3e-9a5f-0123456789ab")])
}

/// At least an id of 16 bytes and a name of one, in base64.
fn cursor() -> ObjectBuilder {
    text("^[0-9A-Za-z_-]+$").min_length(Some(23))
}

fn signed(from: i64, to: i64) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(from)).maximum(Some(to))
}

fn words<const N: usize>(words: [&str; N]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words))
}

runtime::schemas! {
    /// A UUID.
    Id = id();
    /// The product's name.
    Name = text_of(1..=MAX_NAME_CHARS, NAME_PATTERN).examples([json!("Green tea")]);
    /// Three letters of ISO 4217.
    CurrencyCode = text(Currency::PATTERN).examples([json!("EUR")]);
    /// An amount in minor units: 1999 is EUR 19.99 and JPY 1999.
    Minor = signed(i64::MIN, i64::MAX).examples([json!(1999)]);
    /// The price of one, in minor units.
    PriceMinor = whole(0..=MAX_PRICE as u64).examples([json!(500)]);
    /// At least one minor unit.
    AmountMinor = whole(1..=MAX_PRICE as u64).examples([json!(500)]);
    /// How many.
    Number = whole(1..=Quantity::MAX.into()).examples([json!(2)]);
    /// How many came in.
    Pieces = whole(1..=MAX_STOCKED).examples([json!(100)]);
    /// The voucher's code.
    Code = text_of(1..=VoucherCode::MAX_CHARS, VoucherCode::PATTERN).examples([json!("SPRING-10")]);
    /// The share that it takes off each line, in basis points: 1250 is 12.5 %. It or `amount_off`.
    Percent = or_null(whole(1..=PercentOff::MAX.into()).examples([json!(1000)]));
    /// How often it may be used.
    Uses = whole(1..=MAX_USES.into()).examples([json!(100)]);
    /// The version of the cart: the number in its `ETag`.
    Version = whole(0..=i64::MAX as u64).examples([json!(1)]);
    /// What stands for the card: the provider's token, never a number.
    Token = text_of(1..=PaymentToken::MAX_CHARS, PaymentToken::PATTERN).examples([json!("card-1")]);
    /// Makes the checkout idempotent for 24 hours: the same key with the same body returns the first reply, also if that was a
    /// refusal; with another body it is refused.
    Key = text_of(1..=RequestKey::MAX_CHARS, RequestKey::PATTERN);
    /// The version that the change is based on: the `ETag` of the cart. It is compared strongly, so that a weak tag names no
    /// version.
    IfMatch = text(IF_MATCH_PATTERN).examples([json!("\"1\"")]);
    /// The version of the cart.
    VersionTag = text("^\"[0-9]+\"$").examples([json!("\"1\"")]);
    /// A part of the products' names, in any case; without it, all products.
    Search = text_of(0..=MAX_NAME_CHARS, NAME_PATTERN);
    /// Where the page before ended: its `next`.
    After = cursor();
    /// The most products; by default 20.
    ProductLimit = whole(1..=MAX_PRODUCTS as u64);
    /// The order of the last saga of the page before.
    AfterOrder = id();
    /// The most sagas; by default 100.
    SagaLimit = whole(1..=MAX_SAGAS.into());
    /// How they get on: `running` (they wait for a reply), `stuck` (it is overdue) or `parked` (they wait for a person); by
    /// default `parked`.
    Standing = words(["running", "stuck", "parked"]);
    /// Ids of products, separated by commas.
    Products = ArrayBuilder::new().items(id()).min_items(Some(1)).max_items(Some(MAX_PRODUCTS));
    /// How far the order is: `pending`, `placed` (the money is held), `paid`, `shipped` or `cancelled`.
    Status = words(["pending", "placed", "paid", "shipped", "cancelled"]);
    /// How far the refund is.
    RefundState = words(["pending", "done", "refused"]);
    /// Where the saga goes.
    SagaState = words(["forward", "backward", "parked-forward", "parked-backward", "done", "compensated"]);
    /// The component that takes the step.
    Participant = words(["stock", "vouchers", "payments"]);
    /// The command that takes the step.
    Command = words(["reserve", "redeem", "authorise", "capture", "commit"]);
    /// What is known of the command.
    Doing = words(["waiting", "sent", "done", "refused"]);
    /// The command that compensates the step.
    Compensation = words(["release", "restore", "void"]);
    /// What is known of the compensation.
    Undoing = words(["waiting", "sent", "done", "failed"]);
    /// Why the order was cancelled, or a refund refused.
    Reason = or_null(text("^[a-z-]{1,64}$").examples([json!("out-of-stock")]));
    /// The voucher's code, if there is one.
    CodeOrNull = or_null(text_of(1..=VoucherCode::MAX_CHARS, VoucherCode::PATTERN));
    /// What was said.
    NoticeText = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1));
    /// The ids of the orders, in the order in which their money came to be held; also of those that were cancelled later.
    OrderIds = ArrayBuilder::new().items(id());
    /// The `after` of the next page; null on the last one. No product is skipped or repeated while others come and go.
    Next = or_null(cursor());
    /// Each with `order`, `status`, `captured_minor`, `refunded_minor`, and more.
    Charges = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::Object));
    /// The `next` of the page before.
    AfterCharge = whole(0..=i64::MAX as u64);
    /// The path of the order.
    OrderPath = text("^/orders/[0-9a-f-]{36}$");
    /// `t=SECONDS,v1=HEX`: the HMAC-SHA256 of `SECONDS.BODY` under the endpoint's secret.
    Signature = text("^t=[0-9]{1,19},v1=[0-9a-f]{64}$");
}
