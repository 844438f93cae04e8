//! The contracts' errors as problem documents.
//!
//! What no shop could ever do is a 422; what contradicts what there is now, as a cart that is empty, is a 409.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use cart::{
    CartError, CatalogError, Money, NoticeError, OrderError, OrderLine, PaymentError, Refusal, StockError,
    VoucherError,
};
use runtime::edge::Problem;
use serde_json::{Value, json};

use super::{
    body::{MoneyShown, OrderLineShown},
    etag::stale,
};

/// A problem, or one that says the new price as well.
pub(super) enum Refused {
    /// A problem without further members.
    Problem(Problem),
    /// The price has changed: `total` and `lines`, or `price` of a product.
    PriceChanged(Value),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::PriceChanged(document) => {
                let media_type = [(header::CONTENT_TYPE, "application/problem+json")];
                (StatusCode::CONFLICT, media_type, document.to_string()).into_response()
            }
        }
    }
}

/// The new total, with what each line costs: what a client needs to ask its customer again (RFC 9457, 3.2).
fn new_total(detail: &str, total: Money, lines: Vec<OrderLine>) -> Refused {
    let lines: Vec<_> = lines.into_iter().map(OrderLineShown::from).collect();
    price_changed(detail, &json!({ "total": MoneyShown::from(total), "lines": lines }))
}

fn new_price(detail: &str, price: Money) -> Refused {
    price_changed(detail, &json!({ "price": MoneyShown::from(price) }))
}

fn price_changed(detail: &str, members: &Value) -> Refused {
    let mut document = json!({
        "type": "/problems/price-changed",
        "title": "Price changed",
        "status": StatusCode::CONFLICT.as_u16(),
        "detail": detail,
    });
    if let (Some(document), Some(members)) = (document.as_object_mut(), members.as_object()) {
        document.extend(members.clone());
    }
    Refused::PriceChanged(document)
}

/// A value that is well-formed, and not acceptable: 422.
fn invalid(detail: String) -> Problem {
    Problem::unprocessable("invalid-value", "Invalid value", detail)
}

pub(super) fn of_catalog(error: CatalogError) -> Problem {
    match error {
        CatalogError::Unavailable(unavailable) => unavailable.into(),
        CatalogError::Limit
        | CatalogError::Search
        | CatalogError::TooManyProducts
        | CatalogError::Name
        | CatalogError::Price => invalid(error.to_string()),
    }
}

pub(super) fn of_stock(error: StockError) -> Problem {
    let detail = error.to_string();
    match error {
        StockError::Unavailable(unavailable) => unavailable.into(),
        StockError::DeliveryReused => Problem::conflict("delivery-reused", "Delivery's id reused", detail),
        StockError::Quantity | StockError::TooManyProducts | StockError::Lines => invalid(detail),
    }
}

pub(super) fn of_vouchers(error: VoucherError) -> Problem {
    let detail = error.to_string();
    match error {
        VoucherError::Unavailable(unavailable) => unavailable.into(),
        VoucherError::Uses | VoucherError::Discount => invalid(detail),
        VoucherError::Taken { .. } => Problem::conflict("voucher-taken", "Voucher taken", detail),
        VoucherError::NotFound { .. } => Problem::not_found("no-such-voucher", "No such voucher", detail),
    }
}

pub(super) fn of_carts(error: CartError) -> Refused {
    let detail = error.to_string();
    let problem = match error {
        CartError::Unavailable(unavailable) => unavailable.into(),
        CartError::PriceChanged { price, .. } => return new_price(&detail, price),
        CartError::NotFound { .. } => Problem::not_found("no-such-cart", "No such cart", detail),
        CartError::OtherCustomer => Problem::conflict("other-customer", "Other customer", detail),
        CartError::Stale { .. } => stale(detail),
        CartError::TooManyLines => Problem::conflict("too-many-lines", "Too many lines", detail),
        CartError::UnknownProduct { .. } => Problem::not_found("no-such-product", "No such product", detail),
        CartError::Money { .. } => Problem::conflict("mixed-currencies", "Mixed currencies", detail),
        CartError::UnknownVoucher { .. } => Problem::conflict("unknown-voucher", "Unknown voucher", detail),
    };
    problem.into()
}

pub(super) fn of_payments(error: PaymentError) -> Problem {
    let detail = error.to_string();
    match error {
        PaymentError::Unavailable(unavailable) => unavailable.into(),
        PaymentError::Amount => invalid(detail),
        PaymentError::NotFound { .. } => Problem::not_found("no-such-payment", "No such payment", detail),
    }
}

pub(super) fn of_notices(error: NoticeError) -> Problem {
    match error {
        NoticeError::Unavailable(unavailable) => unavailable.into(),
    }
}

pub(super) fn of_orders(error: OrderError) -> Refused {
    let detail = error.to_string();
    let problem = match error {
        OrderError::Unavailable(unavailable) => unavailable.into(),
        OrderError::PriceChanged { total, lines } => return new_total(&detail, total, lines),
        OrderError::Refused { reason } => refused(&reason),
        OrderError::NotFound { .. } => Problem::not_found("no-such-order", "No such order", detail),
        OrderError::UnknownCart { .. } => Problem::conflict("unknown-cart", "Unknown cart", detail),
        OrderError::EmptyCart => Problem::conflict("empty-cart", "Empty cart", detail),
        OrderError::UnknownProduct { .. } => Problem::conflict("unknown-product", "Unknown product", detail),
        OrderError::Money { .. } => Problem::conflict("mixed-currencies", "Mixed currencies", detail),
        OrderError::KeyReused => Problem::unprocessable("key-reused", "Idempotency key reused", detail),
        OrderError::RefundReused => Problem::unprocessable("refund-reused", "Refund's id reused", detail),
        OrderError::RefundAmount | OrderError::Limit | OrderError::TooManyProducts => invalid(detail),
        OrderError::StaleCart { .. } => Problem::conflict("cart-changed", "Cart changed", detail),
        OrderError::InFlight => Problem::conflict("in-flight", "Request in flight", detail),
        OrderError::Shipped => Problem::conflict("shipped", "Order shipped", detail),
        OrderError::NotPaid => Problem::conflict("not-paid", "Order not paid", detail),
        OrderError::ExceedsPayment => Problem::conflict("exceeds-payment", "More than was paid", detail),
        OrderError::TooManyRefunds => Problem::conflict("too-many-refunds", "Too many refunds", detail),
        OrderError::TooManySales => Problem::conflict("too-many-sales", "Too many orders", detail),
        OrderError::NotParked => Problem::conflict("not-parked", "Saga not parked", detail),
    };
    problem.into()
}

/// A checkout that is refused: 402 if that is about money, 409 otherwise.
fn refused(reason: &Refusal) -> Problem {
    let status = match reason {
        Refusal::PaymentDeclined
        | Refusal::InsufficientFunds
        | Refusal::AuthorisationExpired
        | Refusal::NothingPaid
        | Refusal::ExceedsPayment => StatusCode::PAYMENT_REQUIRED,
        Refusal::OutOfStock { .. }
        | Refusal::NotReserved
        | Refusal::VoucherUnknown
        | Refusal::VoucherUsedUp
        | Refusal::VoucherUsedByCustomer
        | Refusal::Cancelled
        | Refusal::TimedOut => StatusCode::CONFLICT,
    };
    Problem::new(status, slug(reason), "Checkout refused", reason.to_string())
}

/// The word for a reason: the last part of a problem's type.
pub(super) fn slug(reason: &Refusal) -> &'static str {
    match reason {
        Refusal::OutOfStock { .. } => "out-of-stock",
        Refusal::NotReserved => "not-reserved",
        Refusal::VoucherUnknown => "voucher-unknown",
        Refusal::VoucherUsedUp => "voucher-used-up",
        Refusal::VoucherUsedByCustomer => "voucher-used-by-customer",
        Refusal::PaymentDeclined => "payment-declined",
        Refusal::InsufficientFunds => "insufficient-funds",
        Refusal::AuthorisationExpired => "authorisation-expired",
        Refusal::NothingPaid => "nothing-paid",
        Refusal::ExceedsPayment => "exceeds-payment",
        Refusal::Cancelled => "cancelled",
        Refusal::TimedOut => "timed-out",
    }
}
