//! The cart's business logic: a shop from its catalogue to the notice that an order is paid.
//!
//! | component | contract | logic | dependencies |
//! |---|---|---|---|
//! | `catalog` | [`Catalog`]: products and prices | [`CatalogService`] | a [`CatalogStore`] |
//! | `carts` | [`Carts`]: what customers put together, changed by version | [`CartService`] | a [`CartStore`], [`Catalog`], [`Vouchers`] |
//! | `stock` | [`Stock`]: goods stocked, reserved, sold and left | [`StockService`] | a [`StockStore`], a clock |
//! | `vouchers` | [`Vouchers`]: discounts, within their limits | [`VoucherService`] | a [`VoucherStore`], a clock |
//! | `payments` | [`Payments`]: money held, taken and given back | [`PaymentService`] | a [`PaymentStore`], a [`PaymentProvider`], a clock |
//! | `orders` | [`Orders`]: checkouts, and the orders that come of them | [`OrderService`] by a [`CheckoutStrategy`] | an [`OrderStore`], the components before, a clock |
//! | `notices` | [`Notices`]: what customers are told | [`NoticeService`] | a [`NoticeStore`] |
//!
//! This crate is pure: no transport, storage, clock or randomness, as its manifest shows.
//! Its ports to the outside are in [`ports`].
//!
//! Read in this order: `money`, `rounding`, `discount` (what a cart costs), `quantity`, `id`, `text` (validated values);
//! the contracts `catalog`, `carts`, `stock`, `vouchers`, `payments`, `notices`; `command` and `order`, what a saga and its
//! participants talk about; `saga`, a checkout as a state machine; `orders`, the contract that runs it; `ports`;
//! `reservation`, `redemption` and `payment_plan`, what participants decide; the services; and last `checkout`, the four ways
//! to run one, side by side.

mod cart_service;
mod carts;
mod catalog;
mod catalog_service;
mod checkout;
mod command;
mod discount;
mod id;
mod money;
mod notice_service;
mod notices;
mod order;
mod order_service;
mod orders;
mod payment_plan;
mod payment_service;
mod payments;
pub mod ports;
mod quantity;
mod redemption;
mod reservation;
mod rounding;
mod saga;
mod stock;
mod stock_service;
mod text;
mod voucher_service;
mod vouchers;

pub use cart_service::CartService;
pub use carts::{
    ApplyVoucher, Cart, CartError, CartLine, Carts, ChangeLine, ClearCart, MAX_LINES, OpenCart, OrderedLine,
};
pub use catalog::{
    Catalog, CatalogError, Cursor, MAX_NAME_CHARS, MAX_PRICE, MAX_PRODUCTS, Offered, Product, ProductIds,
    ProductPage, ProductQuery, Products,
};
pub use catalog_service::CatalogService;
pub use checkout::{CheckoutParts, CheckoutStrategy};
pub use command::{CommandKey, Outcome, Purpose, Refusal, SagaReply, Step};
pub use discount::{Discount, OrderLine, PercentOff, PercentOffError, PricedLine, Totals, totals};
pub use id::{CartId, CustomerId, DeliveryId, EventId, IdError, OrderId, ProductId, RefundId};
pub use money::{Currency, CurrencyError, Money, MoneyError};
pub use notice_service::NoticeService;
pub use notices::{MAX_NOTICES, Notice, NoticeError, NoticeList, Notices, Told};
pub use order::{Order, OrderEvent, OrderNews, Refund, Status};
pub use order_service::{ABANDONED_AFTER, Idempotency, OrderService, REMEMBERED_FOR};
pub use orders::{
    CheckedOut, Checkout, MAX_SAGAS, MAX_SALES, OrderError, Orders, ProductSales, RefundOrder, RepairSaga,
    Replied, Reply, SagaQuery, SagaStanding, Sagas, Sales,
};
pub use payment_service::PaymentService;
pub use payments::{
    MAX_REFUNDS, Payment, PaymentAction, PaymentCommand, PaymentError, PaymentRefund, PaymentState, Payments,
    RefundState, Webhook,
};
pub use ports::{
    CartStore, CatalogStore, CommandSender, INBOX_KEPT_FOR, Issued, NoticeStore, OrderStore, PaymentProvider,
    PaymentStore, ShopTransaction, StockStore, VoucherStore,
};
pub use quantity::{Quantity, QuantityError, Version};
pub use redemption::{Redemption, UseChange, VoucherEffect, check_uses, voucher_effect};
pub use reservation::{Movement, Reservation, ReservationState, StockEffect, stock_effect, stock_expiry};
pub use saga::{
    CancelError, Command, Decision, Doing, FIRST_WAIT, LONGEST_WAIT, Purchase, RESERVED_FOR, RefundFault,
    Refunding, RepairError, SENDS, STEPS, Saga, SagaState, ShipError, StepProgress, StepSpec, Undoing,
};
pub use stock::{Delivery, Level, Levels, MAX_STOCKED, Stock, StockAction, StockCommand, StockError};
pub use stock_service::StockService;
pub use text::{
    ChargeId, ChargeIdError, Fingerprint, PaymentToken, PaymentTokenError, RequestKey, RequestKeyError,
    VoucherCode, VoucherCodeError,
};
pub use voucher_service::VoucherService;
pub use vouchers::{
    MAX_USES, Voucher, VoucherAction, VoucherCommand, VoucherError, VoucherStanding, Vouchers,
};
