//! Replies of the public API, as far as journeys read them.

use std::time::Duration;

use serde::{Deserialize, de::IgnoredAny};

use crate::journeys::cart::{
    evidence::{Charge, Level, Order, Status},
    id::Id,
};

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct MoneyView {
    pub(crate) minor: i64,
    pub(crate) currency: String,
}

/// A product, of `GET /products/{id}` and of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct ProductView {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) price: MoneyView,
}

/// `GET /products`.
#[derive(Debug, Deserialize)]
pub(crate) struct ProductsView {
    pub(crate) products: Vec<ProductView>,
    pub(crate) next: Option<String>,
}

/// The reply to `POST /checkouts`.
#[derive(Debug, Deserialize)]
pub(crate) struct CheckedOutView {
    pub(crate) order: Id,
    pub(crate) total: MoneyView,
}

/// `GET /carts/{id}`, and the same in GraphQL.
#[derive(Debug, Deserialize)]
pub(crate) struct CartView {
    pub(crate) lines: Vec<CartLineView>,
}

/// A line of a cart.
#[derive(Debug, Deserialize)]
pub(crate) struct CartLineView {
    pub(crate) quantity: u64,
}

/// `GET /orders/{id}`.
#[derive(Debug, Deserialize)]
pub(crate) struct OrderView {
    cart: Id,
    lines: Vec<LineView>,
    total: MoneyView,
    status: StatusView,
    voucher: Option<String>,
    refunds: Vec<RefundView>,
    made_at_ms: u64,
    settled_at_ms: Option<u64>,
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
        let settled = view.settled_at_ms.map(|at| at.saturating_sub(view.made_at_ms));
        let done = view.refunds.iter().filter(|refund| refund.state == "done");
        Self {
            cart: view.cart,
            refunded: done.map(|refund| refund.amount.minor).sum(),
            lines: view.lines.iter().map(|line| (line.product, line.quantity)).collect(),
            total: view.total.minor,
            has_voucher: view.voucher.is_some(),
            made_at_ms: view.made_at_ms,
            settled_after: settled.map(Duration::from_millis),
            status: match view.status {
                StatusView::Pending => Status::Pending,
                StatusView::Placed => Status::Placed,
                StatusView::Paid | StatusView::Shipped => Status::Paid,
                StatusView::Cancelled => Status::Cancelled,
            },
        }
    }
}

/// `GET /orders/{order}/notices`, of which only the number counts: each tells of another event.
#[derive(Debug, Deserialize)]
pub(crate) struct NoticesView {
    pub(crate) notices: Vec<IgnoredAny>,
}

/// `GET /stock`.
#[derive(Debug, Deserialize)]
pub(crate) struct LevelsView {
    pub(crate) levels: Vec<LevelView>,
}

/// Where the pieces of a product are.
#[derive(Debug, Deserialize)]
pub(crate) struct LevelView {
    pub(crate) product: Id,
    pub(super) stocked: u64,
    pub(super) reserved: u64,
    pub(super) sold: u64,
    pub(crate) left: u64,
}

impl From<&LevelView> for Level {
    fn from(&LevelView { stocked, reserved, sold, left, .. }: &LevelView) -> Self {
        Self { stocked, reserved, sold, left }
    }
}

/// `GET /sales`.
#[derive(Debug, Deserialize)]
pub(crate) struct SalesView {
    pub(crate) sales: Vec<ProductSalesView>,
}

/// The orders of a product.
#[derive(Debug, Deserialize)]
pub(crate) struct ProductSalesView {
    pub(crate) product: Id,
    pub(crate) orders: Vec<Id>,
}

/// `GET /vouchers/{code}`.
#[derive(Debug, Deserialize)]
pub(crate) struct VoucherView {
    pub(crate) used: u64,
}

/// A page of the provider's books.
#[derive(Debug, Deserialize)]
pub(crate) struct BooksView {
    pub(crate) charges: Vec<ChargeView>,
    pub(crate) next: Option<u64>,
}

/// A charge, in the provider's words.
#[derive(Debug, Deserialize)]
pub(crate) struct ChargeView {
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
pub(crate) struct SagasView {
    pub(crate) sagas: Vec<SagaView>,
}

/// A checkout that runs, is overdue or is parked.
#[derive(Debug, Deserialize)]
pub(crate) struct SagaView {
    pub(crate) order: Id,
}
