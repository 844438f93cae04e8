//! The logic of the component `carts`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Unavailable, Why};

use crate::{
    ApplyVoucher, Cart, CartError, CartId, CartStore, Carts, Catalog, CatalogError, ChangeLine, ClearCart,
    OpenCart, ProductIds, VoucherError, Vouchers,
};

/// How often a cart that others change is cleared again; they are the same customer's requests, and few.
const ATTEMPTS: u32 = 8;

/// Keeps the carts.
pub struct CartService {
    store: Arc<dyn CartStore>,
    catalog: Arc<dyn Catalog>,
    vouchers: Arc<dyn Vouchers>,
}

impl CartService {
    /// Creates the service on a store, the catalogue and the vouchers.
    pub fn new(store: Arc<dyn CartStore>, catalog: Arc<dyn Catalog>, vouchers: Arc<dyn Vouchers>) -> Self {
        Self { store, catalog, vouchers }
    }

    /// Stores a changed cart, unless another change was faster.
    async fn replace(&self, before: &Cart, cart: Cart) -> Result<Cart, CartError> {
        if cart.version == before.version || self.store.replace(&cart, before.version).await? {
            return Ok(cart);
        }
        let current = self.cart(cart.id).await?.version;
        Err(CartError::Stale { current })
    }

    /// Checks that the product exists and has the price that the customer saw.
    async fn check_price(&self, change: &ChangeLine) -> Result<(), CartError> {
        let product = change.product;
        let found = self.catalog.products(ProductIds(vec![product])).await;
        let found = found.map_err(|error| match error {
            CatalogError::Unavailable(unavailable) => unavailable,
            _ => Unavailable::new("catalog", Why::Misunderstood),
        })?;
        let price = found.find(product).ok_or(CartError::UnknownProduct { product })?.price;
        if price == change.seen_price { Ok(()) } else { Err(CartError::PriceChanged { product, price }) }
    }
}

#[async_trait]
impl Carts for CartService {
    async fn open(&self, cart: OpenCart) -> Result<Cart, CartError> {
        let stored = self.store.insert(&Cart::empty(cart)).await?;
        if stored.customer == cart.customer { Ok(stored) } else { Err(CartError::OtherCustomer) }
    }

    async fn cart(&self, id: CartId) -> Result<Cart, CartError> {
        self.store.find(id).await?.ok_or(CartError::NotFound { id })
    }

    async fn change(&self, change: ChangeLine) -> Result<Cart, CartError> {
        let cart = self.cart(change.cart).await?;
        cart.expect(change.expected)?;
        if change.quantity.is_some() {
            // Before anything is computed with the price: a wrong one is the customer's mistake, and not a sum that fails.
            self.check_price(&change).await?;
        }
        let changed = cart.clone().changed(&change)?;
        self.replace(&cart, changed).await
    }

    async fn apply(&self, apply: ApplyVoucher) -> Result<Cart, CartError> {
        let cart = self.cart(apply.cart).await?;
        if let Some(code) = apply.code.clone() {
            self.vouchers.voucher(code.clone()).await.map_err(|error| match error {
                VoucherError::NotFound { .. } => CartError::UnknownVoucher { code },
                VoucherError::Unavailable(unavailable) => unavailable.into(),
                _ => Unavailable::new("vouchers", Why::Misunderstood).into(),
            })?;
        }
        let changed = cart.clone().with_voucher(apply)?;
        self.replace(&cart, changed).await
    }

    async fn clear(&self, clear: ClearCart) -> Result<Cart, CartError> {
        for _ in 0..ATTEMPTS {
            let cart = self.cart(clear.cart).await?;
            let Some(cleared) = cart.clone().without(&clear) else { return Ok(cart) };
            match self.replace(&cart, cleared).await {
                Err(CartError::Stale { .. }) => {}
                settled => return settled,
            }
        }
        Err(Unavailable::new("carts", Why::Overloaded).into())
    }
}
