//! The ways to run a checkout: the values of the axis `checkout`.
//!
//! All begin alike: the cart is read, its lines are priced, and an order is made of them. Then one of the files here, each of
//! a screen, has it paid, reserved and stored; read them side by side.

mod charge_first;
mod dual_write;
mod saga;
mod transaction;

use std::sync::Arc;

use contract::{Clock, Unavailable, Why};

use crate::{
    Cart, CartError, Carts, Catalog, CatalogError, Checkout, CommandSender, Discount, Order, OrderError,
    OrderId, OrderStore, PaymentError, PaymentToken, Payments, PricedLine, ProductIds, Reply, RequestKey,
    ShopTransaction, Status, Stock, StockError, VoucherCode, VoucherError, Vouchers, totals,
};

/// How a checkout is run.
#[derive(Clone)]
pub enum CheckoutStrategy {
    /// The money is held; then one transaction does everything else.
    Transaction(Arc<dyn ShopTransaction>),
    /// One step after the other, each in a transaction of its own, with an outbox and compensations.
    Saga,
    /// As a saga, but what is to be sent is sent after the commit: a negative control.
    DualWrite(Arc<dyn CommandSender>),
    /// The money is taken first, and then everything else by calls, without compensations: a negative control.
    ChargeFirst,
}

/// The components that a checkout needs, and what is stored of it.
#[derive(Clone)]
pub struct CheckoutParts {
    /// The carts.
    pub carts: Arc<dyn Carts>,
    /// The catalogue.
    pub catalog: Arc<dyn Catalog>,
    /// The vouchers.
    pub vouchers: Arc<dyn Vouchers>,
    /// The stock.
    pub stock: Arc<dyn Stock>,
    /// Payments.
    pub payments: Arc<dyn Payments>,
    /// The orders.
    pub store: Arc<dyn OrderStore>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// One attempt at a checkout, by whoever has the claim on its key.
pub(crate) struct Attempt {
    pub(crate) key: RequestKey,
    pub(crate) order: Order,
    pub(crate) token: PaymentToken,
}

impl CheckoutParts {
    /// Runs an attempt, and returns the reply that is stored for its key.
    pub(crate) async fn run(
        &self,
        strategy: &CheckoutStrategy,
        attempt: &Attempt,
    ) -> Result<Reply, OrderError> {
        match strategy {
            CheckoutStrategy::Transaction(shop) => transaction::run(self, shop.as_ref(), attempt).await,
            CheckoutStrategy::Saga => saga::run(self, attempt).await,
            CheckoutStrategy::DualWrite(sender) => dual_write::run(self, sender.as_ref(), attempt).await,
            CheckoutStrategy::ChargeFirst => charge_first::run(self, attempt).await,
        }
    }

    /// The order that a checkout asks for, if the cart and the prices are what the customer saw.
    pub(crate) async fn order(&self, checkout: &Checkout, id: OrderId) -> Result<Order, OrderError> {
        let cart = self.carts.cart(checkout.cart).await.map_err(of_carts)?;
        if cart.version != checkout.version {
            return Err(OrderError::StaleCart { current: cart.version });
        }
        let priced = self.priced(&cart).await?;
        let discount = self.discount(cart.voucher.as_ref()).await?;
        let totals = totals(&priced, discount)?.ok_or(OrderError::EmptyCart)?;
        if totals.total != checkout.expected_total {
            return Err(OrderError::PriceChanged { total: totals.total, lines: totals.lines });
        }
        Ok(Order {
            id,
            customer: cart.customer,
            cart: cart.id,
            lines: totals.lines,
            voucher: cart.voucher,
            total: totals.total,
            status: Status::Pending,
            reason: None,
            refunds: Vec::new(),
            made_at: self.clock.now(),
            settled_at: None,
        })
    }

    /// The lines of the cart at their current prices.
    async fn priced(&self, cart: &Cart) -> Result<Vec<PricedLine>, OrderError> {
        if cart.lines.is_empty() {
            return Err(OrderError::EmptyCart);
        }
        let ids = cart.lines.iter().map(|line| line.product).collect();
        let products = self.catalog.products(ProductIds(ids)).await.map_err(of_catalog)?;
        let priced = cart.lines.iter().map(|line| {
            let product = line.product;
            let price = products.find(product).ok_or(OrderError::UnknownProduct { product })?.price;
            Ok(PricedLine { product, quantity: line.quantity, price })
        });
        priced.collect()
    }

    /// What the voucher takes off. Whether it may be used is decided where it is.
    async fn discount(&self, code: Option<&VoucherCode>) -> Result<Option<Discount>, OrderError> {
        let Some(code) = code else { return Ok(None) };
        let standing = self.vouchers.voucher(code.clone()).await.map_err(of_vouchers)?;
        Ok(Some(standing.voucher.discount))
    }
}

fn of_carts(error: CartError) -> OrderError {
    match error {
        CartError::NotFound { id } => OrderError::UnknownCart { id },
        CartError::Unavailable(unavailable) => unavailable.into(),
        _ => misunderstood("carts"),
    }
}

fn of_catalog(error: CatalogError) -> OrderError {
    match error {
        CatalogError::Unavailable(unavailable) => unavailable.into(),
        _ => misunderstood("catalog"),
    }
}

fn of_vouchers(error: VoucherError) -> OrderError {
    match error {
        VoucherError::Unavailable(unavailable) => unavailable.into(),
        _ => misunderstood("vouchers"),
    }
}

fn of_stock(error: StockError) -> OrderError {
    match error {
        StockError::Unavailable(unavailable) => unavailable.into(),
        _ => misunderstood("stock"),
    }
}

fn of_payments(error: PaymentError) -> OrderError {
    match error {
        PaymentError::Unavailable(unavailable) => unavailable.into(),
        _ => misunderstood("payments"),
    }
}

/// A component refuses what was checked before: a bug in one of the two.
fn misunderstood(component: &str) -> OrderError {
    Unavailable::new(component, Why::Misunderstood).into()
}
