//! The cart's business logic: a shop from its catalogue to the notice that an order is paid.
//!
//! | component | contract | what it answers for |
//! |---|---|---|
//! | `catalog` | [`Catalog`] | products and prices |
//! | `carts` | [`Carts`] | what customers put together, changed by version |
//! | `stock` | [`Stock`] | goods: stocked, reserved, sold, left |
//! | `vouchers` | [`Vouchers`] | discounts, within their limits |
//! | `payments` | [`Payments`] | money: held, taken, given back |
//! | `orders` | [`Orders`] | checkouts, and the orders that come of them |
//! | `notices` | [`Notices`] | what customers are told |
//!
//! This crate is pure: no transport, storage, clock or randomness, as its manifest shows.
//!
//! Read in this order: `money`, `rounding`, `discount` (what a cart costs), `quantity`, `id`, `text` (validated values);
//! the contracts `catalog`, `carts`, `stock`, `vouchers`, `payments`, `notices`; `command` and `order`, what a saga and its
//! participants talk about; `saga`, a checkout as a state machine; and `orders`, the contract that runs it.

mod carts;
mod catalog;
mod command;
mod discount;
mod id;
mod money;
mod notices;
mod order;
mod orders;
mod payments;
mod quantity;
mod rounding;
mod saga;
mod stock;
mod text;
mod vouchers;

pub use carts::{
    ApplyVoucher, Cart, CartError, CartLine, Carts, ChangeLine, ClearCart, MAX_LINES, OpenCart, OrderedLine,
};
pub use catalog::{
    Catalog, CatalogError, Cursor, MAX_NAME_CHARS, MAX_PRICE, MAX_PRODUCTS, Offered, Product, ProductIds,
    ProductPage, ProductQuery, Products,
};
pub use command::{CommandKey, Outcome, Purpose, Refusal, SagaReply, Step};
pub use discount::{Discount, OrderLine, PercentOff, PercentOffError, PricedLine, Totals, totals};
pub use id::{CartId, CustomerId, DeliveryId, EventId, IdError, OrderId, ProductId, RefundId};
pub use money::{Currency, CurrencyError, Money, MoneyError};
pub use notices::{MAX_NOTICES, Notice, NoticeError, NoticeList, Notices, Told};
pub use order::{Order, OrderEvent, OrderNews, Refund, Status};
pub use orders::{
    CheckedOut, Checkout, MAX_SAGAS, OrderError, Orders, ProductSales, RefundOrder, RepairSaga, Replied,
    Reply, SagaQuery, SagaStanding, Sagas, Sales,
};
pub use payments::{
    MAX_REFUNDS, Payment, PaymentAction, PaymentCommand, PaymentError, PaymentRefund, PaymentState, Payments,
    RefundState, Webhook,
};
pub use quantity::{Quantity, QuantityError, Version};
pub use saga::{
    CancelError, Command, Decision, Doing, FIRST_WAIT, LONGEST_WAIT, Purchase, RESERVED_FOR, RefundFault,
    RepairError, SENDS, STEPS, Saga, SagaState, ShipError, StepProgress, StepSpec, Undoing,
};
pub use stock::{Delivery, Level, Levels, MAX_STOCKED, Stock, StockAction, StockCommand, StockError};
pub use text::{
    ChargeId, ChargeIdError, Fingerprint, PaymentToken, PaymentTokenError, RequestKey, RequestKeyError,
    VoucherCode, VoucherCodeError,
};
pub use vouchers::{
    MAX_USES, Voucher, VoucherAction, VoucherCommand, VoucherError, VoucherStanding, Vouchers,
};
