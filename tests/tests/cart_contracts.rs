//! The contracts of the cart's components, over every way to reach them: what is asked and what is replied arrives as it
//! was sent, and so does each error.
//!
//! What the components do is the affair of their own suite, over every store.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::sync::Arc;

use async_trait::async_trait;
use cart::{
    ApplyVoucher, Cart, CartError, CartId, Carts, Catalog, CatalogError, ChangeLine, CheckedOut, Checkout,
    ClearCart, CommandKey, Currency, Delivery, Level, Levels, Money, MoneyError, NoticeError, NoticeList,
    Notices, Offered, OpenCart, Order, OrderError, OrderEvent, OrderId, OrderLine, Orders, Outcome, Payment,
    PaymentCommand, PaymentError, PaymentToken, Payments, Product, ProductId, ProductIds, ProductPage,
    ProductQuery, Products, Purpose, Quantity, RefundOrder, Refusal, RepairSaga, Replied, RequestKey,
    SagaQuery, SagaReply, Sagas, Sales, Status, Step, Stock, StockAction, StockCommand, StockError, Told,
    Version, Voucher, VoucherCode, VoucherCommand, VoucherError, VoucherStanding, Vouchers, Webhook,
};
use cart_app::remotes::{carts, catalog, notices, orders, payments, stock, vouchers};
use contract::{Unavailable, Why};
use system_tests::placed::{WAYS, placed};

/// A component whose every method fails with this.
struct Failing<E>(E);

/// Implements a contract: every method fails.
macro_rules! failing {
    ($($Contract:ident with $Error:ident { $($method:ident($Request:ty) -> $Reply:ty),+ $(,)? })+) => { $(
        #[async_trait]
        impl $Contract for Failing<$Error> {
            $( async fn $method(&self, _: $Request) -> Result<$Reply, $Error> {
                Err(self.0.clone())
            } )+
        }
    )+ };
}

failing! {
    Catalog with CatalogError {
        list(ProductQuery) -> ProductPage,
        products(ProductIds) -> Products,
        offer(Product) -> Offered,
    }
    Carts with CartError {
        open(OpenCart) -> Cart,
        cart(CartId) -> Cart,
        change(ChangeLine) -> Cart,
        apply(ApplyVoucher) -> Cart,
        clear(ClearCart) -> Cart,
    }
    Stock with StockError {
        receive(Delivery) -> Level,
        levels(ProductIds) -> Levels,
        perform(StockCommand) -> SagaReply,
    }
    Vouchers with VoucherError {
        issue(Voucher) -> Voucher,
        voucher(VoucherCode) -> VoucherStanding,
        perform(VoucherCommand) -> SagaReply,
    }
    Payments with PaymentError {
        perform(PaymentCommand) -> SagaReply,
        payment(OrderId) -> Payment,
        notify(Webhook) -> Payment,
    }
    Orders with OrderError {
        checkout(Checkout) -> CheckedOut,
        order(OrderId) -> Order,
        cancel(OrderId) -> Order,
        ship(OrderId) -> Order,
        refund(RefundOrder) -> Order,
        sales(ProductIds) -> Sales,
        sagas(SagaQuery) -> Sagas,
        repair(RepairSaga) -> Order,
        reply(SagaReply) -> Replied,
    }
    Notices with NoticeError {
        tell(OrderEvent) -> Told,
        told(OrderId) -> NoticeList,
    }
}

/// Checks that each error arrives as it was, however the component is reached.
macro_rules! arrives {
    ($component:ident, $errors:expr, $service:ident => $call:expr) => {
        for error in $errors {
            for (name, way) in WAYS {
                let $service =
                    placed::<$component::ThisContract>(way, Arc::new(Failing(error.clone()))).await;
                assert_eq!($call.await.map(drop), Err(error.clone()), "{name}");
            }
        }
    };
}

fn away() -> Unavailable {
    Unavailable::new("database", Why::Overloaded)
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

fn code() -> VoucherCode {
    VoucherCode::parse("SPRING-10").unwrap()
}

fn mixed() -> MoneyError {
    MoneyError::MixedCurrencies { one: euro(0).currency, other: Currency::parse("JPY").unwrap() }
}

#[tokio::test]
async fn an_error_of_what_a_shop_shows_arrives_as_it_was() {
    let errors = [
        CatalogError::Limit,
        CatalogError::Search,
        CatalogError::TooManyProducts,
        CatalogError::Name,
        CatalogError::Price,
        away().into(),
    ];
    arrives!(catalog, errors, service => service.products(ProductIds::default()));
    let product = ProductId(7);
    let errors = [
        CartError::NotFound { id: CartId(7) },
        CartError::OtherCustomer,
        CartError::Stale { current: Version(7) },
        CartError::TooManyLines,
        CartError::UnknownProduct { product },
        CartError::PriceChanged { product, price: euro(-7) },
        CartError::Money { fault: MoneyError::Overflow },
        CartError::Money { fault: mixed() },
        CartError::UnknownVoucher { code: code() },
        away().into(),
    ];
    arrives!(carts, errors, service => service.cart(CartId(7)));
    let errors = [NoticeError::from(away())];
    arrives!(notices, errors, service => service.told(OrderId(7)));
}

#[tokio::test]
async fn an_error_of_a_participant_arrives_as_it_was() {
    let errors = [StockError::Quantity, StockError::TooManyProducts, StockError::Lines, away().into()];
    arrives!(stock, errors, service => service.levels(ProductIds::default()));
    let errors = [
        VoucherError::Uses,
        VoucherError::Discount,
        VoucherError::Taken { code: code() },
        VoucherError::NotFound { code: code() },
        away().into(),
    ];
    arrives!(vouchers, errors, service => service.voucher(code()));
    let errors = [PaymentError::Amount, PaymentError::NotFound { order: OrderId(7) }, away().into()];
    arrives!(payments, errors, service => service.payment(OrderId(7)));
}

#[tokio::test]
async fn an_error_of_orders_arrives_as_it_was() {
    let line = OrderLine {
        product: ProductId(7),
        quantity: Quantity::new(2).unwrap(),
        price: euro(5),
        discount: euro(0),
        net: euro(10),
    };
    let errors = [
        OrderError::NotFound { id: OrderId(7) },
        OrderError::UnknownCart { id: CartId(7) },
        OrderError::EmptyCart,
        OrderError::StaleCart { current: Version(7) },
        OrderError::UnknownProduct { product: ProductId(7) },
        OrderError::PriceChanged { total: euro(10), lines: vec![line] },
        OrderError::Money { fault: mixed() },
        OrderError::KeyReused,
        OrderError::InFlight,
        OrderError::Refused { reason: Refusal::OutOfStock { product: ProductId(7), left: 1 } },
        OrderError::Refused { reason: Refusal::PaymentDeclined },
        OrderError::Shipped,
        OrderError::NotPaid,
        OrderError::RefundAmount,
        OrderError::ExceedsPayment,
        OrderError::TooManyRefunds,
        OrderError::RefundReused,
        OrderError::NotParked,
        OrderError::Limit,
        OrderError::TooManyProducts,
        away().into(),
    ];
    arrives!(orders, errors, service => service.order(OrderId(7)));
}

/// A stock that replies with what it was asked.
struct Echoing;

#[async_trait]
impl Stock for Echoing {
    async fn receive(&self, delivery: Delivery) -> Result<Level, StockError> {
        let Delivery { product, quantity, .. } = delivery;
        Ok(Level { product, stocked: quantity, reserved: 0, sold: 0, left: quantity })
    }

    async fn levels(&self, _: ProductIds) -> Result<Levels, StockError> {
        Ok(Levels::default())
    }

    async fn perform(&self, command: StockCommand) -> Result<SagaReply, StockError> {
        let outcome = match command.action {
            StockAction::Reserve { lines, .. } => {
                Outcome::Refused(Refusal::OutOfStock { product: lines[0].product, left: lines.len() as u64 })
            }
            StockAction::Commit | StockAction::Release => Outcome::Done,
        };
        Ok(SagaReply { command: command.key, outcome })
    }
}

#[tokio::test]
async fn a_command_is_performed_as_it_was_sent() {
    let lines =
        vec![cart::OrderedLine { product: ProductId(u128::MAX), quantity: Quantity::new(3).unwrap() }];
    let until = contract::Timestamp::from_millis(1_700_000_000_000);
    for (name, way) in WAYS {
        let stock = placed::<stock::ThisContract>(way, Arc::new(Echoing)).await;
        for purpose in [Purpose::Do(Step::Commit), Purpose::Undo(Step::Reserve, 3)] {
            let key = CommandKey { order: OrderId(7), purpose };
            let done = stock.perform(StockCommand { key, action: StockAction::Commit }).await;
            assert_eq!(done, Ok(SagaReply { command: key, outcome: Outcome::Done }), "{name}");
        }
        let key = CommandKey { order: OrderId(7), purpose: Purpose::Do(Step::Reserve) };
        let action = StockAction::Reserve { lines: lines.clone(), until };
        let refused = stock.perform(StockCommand { key, action }).await.unwrap();
        let reason = Refusal::OutOfStock { product: ProductId(u128::MAX), left: 1 };
        assert_eq!(refused, SagaReply { command: key, outcome: Outcome::Refused(reason) }, "{name}");
    }
}

/// Orders that are checked out as they are asked for.
struct Obedient;

#[async_trait]
impl Orders for Obedient {
    async fn checkout(&self, checkout: Checkout) -> Result<CheckedOut, OrderError> {
        let order = OrderId(checkout.cart.0);
        Ok(CheckedOut { order, status: Status::Placed, total: checkout.expected_total })
    }

    async fn order(&self, id: OrderId) -> Result<Order, OrderError> {
        Err(OrderError::NotFound { id })
    }

    async fn cancel(&self, id: OrderId) -> Result<Order, OrderError> {
        Err(OrderError::NotFound { id })
    }

    async fn ship(&self, id: OrderId) -> Result<Order, OrderError> {
        Err(OrderError::NotFound { id })
    }

    async fn refund(&self, refund: RefundOrder) -> Result<Order, OrderError> {
        Err(OrderError::NotFound { id: refund.order })
    }

    async fn sales(&self, products: ProductIds) -> Result<Sales, OrderError> {
        let sales = |product: &ProductId| cart::ProductSales { product: *product, orders: vec![OrderId(1)] };
        Ok(Sales(products.0.iter().map(sales).collect()))
    }

    async fn sagas(&self, _: SagaQuery) -> Result<Sagas, OrderError> {
        Ok(Sagas::default())
    }

    async fn repair(&self, repair: RepairSaga) -> Result<Order, OrderError> {
        Err(OrderError::NotFound { id: repair.order })
    }

    async fn reply(&self, _: SagaReply) -> Result<Replied, OrderError> {
        Ok(Replied)
    }
}

#[tokio::test]
async fn a_checkout_arrives_as_it_was_sent() {
    for (name, way) in WAYS {
        let orders = placed::<orders::ThisContract>(way, Arc::new(Obedient)).await;
        let checkout = Checkout {
            key: RequestKey::parse("key").unwrap(),
            cart: CartId(7),
            version: Version(1),
            expected_total: euro(1_999),
            token: PaymentToken::parse("card-1").unwrap(),
        };
        let checked_out = CheckedOut { order: OrderId(7), status: Status::Placed, total: euro(1_999) };
        assert_eq!(orders.checkout(checkout).await, Ok(checked_out), "{name}");
        let sales = orders.sales(ProductIds(vec![ProductId(3), ProductId(2)])).await.unwrap();
        assert_eq!(sales.0.iter().map(|sales| sales.product.0).collect::<Vec<_>>(), [3, 2], "{name}");
        let unknown = orders.repair(RepairSaga { order: OrderId(9) }).await;
        assert_eq!(unknown, Err(OrderError::NotFound { id: OrderId(9) }), "{name}");
    }
}
