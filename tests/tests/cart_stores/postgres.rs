//! The cart's behaviours over PostgreSQL.

mod ground {
    /// New and empty stores.
    pub(crate) fn stores() -> crate::stores::Stores {
        crate::ground::postgres()
    }
}

#[path = "../../../services/cart/tests/suite/abandoned.rs"]
mod abandoned;
#[path = "../../../services/cart/tests/suite/carts.rs"]
mod carts;
#[path = "../../../services/cart/tests/suite/checkout.rs"]
mod checkout;
#[path = "../../../services/cart/tests/suite/controls.rs"]
mod controls;
#[path = "../../../services/cart/tests/suite/goods.rs"]
mod goods;
#[path = "../../../services/cart/tests/suite/orders.rs"]
mod orders;
#[path = "../../../services/cart/tests/suite/payments.rs"]
mod payments;
#[path = "../../../services/cart/tests/suite/shop.rs"]
mod shop;
