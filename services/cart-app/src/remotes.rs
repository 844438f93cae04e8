//! The remote forms of the cart's components.
//!
//! One table for each contract. gRPC messages are those of `proto/lab/cart`; HTTP messages are the contract's types in
//! their serde form. A change of a cart is no idempotent method: repeated, it finds the version that it has made.

/// The component `catalog`.
pub mod catalog {
    use cart::{Catalog, CatalogError, Offered, Product, ProductIds, ProductPage, ProductQuery, Products};

    use super::proto::catalog::v1 as proto;

    remote::remote! {
        Catalog at "catalog", by gRPC "lab.cart.catalog.v1.CatalogService" of proto, failing with CatalogError {
            #[idempotent] list(ProductQuery) -> ProductPage;
            #[idempotent] products(ProductIds) -> Products;
            #[idempotent] offer(Product) -> Offered;
        }
    }
}

/// The component `carts`.
pub mod carts {
    use cart::{ApplyVoucher, Cart, CartError, CartId, Carts, ChangeLine, ClearCart, OpenCart};

    use super::proto::carts::v1 as proto;

    remote::remote! {
        Carts at "carts", by gRPC "lab.cart.carts.v1.CartsService" of proto, failing with CartError {
            #[idempotent] open(OpenCart) -> Cart;
            #[idempotent] cart(CartId) -> Cart;
            change(ChangeLine) -> Cart;
            apply(ApplyVoucher) -> Cart;
            #[idempotent] clear(ClearCart) -> Cart;
        }
    }
}

/// The component `stock`.
pub mod stock {
    use cart::{Delivery, Level, Levels, ProductIds, SagaReply, Stock, StockCommand, StockError};

    use super::proto::stock::v1 as proto;

    remote::remote! {
        Stock at "stock", by gRPC "lab.cart.stock.v1.StockService" of proto, failing with StockError {
            #[idempotent] receive(Delivery) -> Level;
            #[idempotent] levels(ProductIds) -> Levels;
            #[critical] #[idempotent] perform(StockCommand) -> SagaReply;
        }
    }
}

/// The component `vouchers`.
pub mod vouchers {
    use cart::{SagaReply, Voucher, VoucherCode, VoucherCommand, VoucherError, VoucherStanding, Vouchers};

    use super::proto::vouchers::v1 as proto;

    remote::remote! {
        Vouchers at "vouchers", by gRPC "lab.cart.vouchers.v1.VouchersService" of proto, failing with VoucherError {
            #[idempotent] issue(Voucher) -> Voucher;
            #[idempotent] voucher(VoucherCode) -> VoucherStanding;
            #[critical] #[idempotent] perform(VoucherCommand) -> SagaReply;
        }
    }
}

/// The component `payments`.
pub mod payments {
    use cart::{OrderId, Payment, PaymentCommand, PaymentError, Payments, SagaReply, Webhook};

    use super::proto::payments::v1 as proto;

    remote::remote! {
        Payments at "payments", by gRPC "lab.cart.payments.v1.PaymentsService" of proto, failing with PaymentError {
            #[critical] #[idempotent] perform(PaymentCommand) -> SagaReply;
            #[idempotent] payment(OrderId) -> Payment;
            #[idempotent] notify(Webhook) -> Payment;
        }
    }
}

/// The component `orders`.
pub mod orders {
    use cart::{
        CheckedOut, Checkout, Order, OrderError, OrderId, Orders, ProductIds, RefundOrder, RepairSaga,
        Replied, SagaQuery, SagaReply, Sagas, Sales,
    };

    use super::proto::orders::v1 as proto;

    remote::remote! {
        Orders at "orders", by gRPC "lab.cart.orders.v1.OrdersService" of proto, failing with OrderError {
            #[critical] #[idempotent] checkout(Checkout) -> CheckedOut;
            #[idempotent] order(OrderId) -> Order;
            #[idempotent] cancel(OrderId) -> Order;
            #[idempotent] ship(OrderId) -> Order;
            #[idempotent] refund(RefundOrder) -> Order;
            #[background] #[idempotent] sales(ProductIds) -> Sales;
            #[background] #[idempotent] sagas(SagaQuery) -> Sagas;
            repair(RepairSaga) -> Order;
            #[critical] #[idempotent] reply(SagaReply) -> Replied;
        }
    }
}

/// The component `notices`.
pub mod notices {
    use cart::{NoticeError, NoticeList, Notices, OrderEvent, OrderId, Told};

    use super::proto::notices::v1 as proto;

    remote::remote! {
        Notices at "notices", by gRPC "lab.cart.notices.v1.NoticesService" of proto, failing with NoticeError {
            #[idempotent] tell(OrderEvent) -> Told;
            #[background] #[idempotent] told(OrderId) -> NoticeList;
        }
    }
}

/// The code that tonic generates from `proto/lab/cart`: a module for each package, nested as they are.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod proto {
    pub mod v1 {
        tonic::include_proto!("lab.cart.v1");
    }
    pub mod catalog {
        pub mod v1 {
            tonic::include_proto!("lab.cart.catalog.v1");
        }
    }
    pub mod carts {
        pub mod v1 {
            tonic::include_proto!("lab.cart.carts.v1");
        }
    }
    pub mod stock {
        pub mod v1 {
            tonic::include_proto!("lab.cart.stock.v1");
        }
    }
    pub mod vouchers {
        pub mod v1 {
            tonic::include_proto!("lab.cart.vouchers.v1");
        }
    }
    pub mod payments {
        pub mod v1 {
            tonic::include_proto!("lab.cart.payments.v1");
        }
    }
    pub mod orders {
        pub mod v1 {
            tonic::include_proto!("lab.cart.orders.v1");
        }
    }
    pub mod notices {
        pub mod v1 {
            tonic::include_proto!("lab.cart.notices.v1");
        }
    }
    pub mod shop {
        pub mod v1 {
            tonic::include_proto!("lab.cart.shop.v1");
        }
    }
}

mod messages;
