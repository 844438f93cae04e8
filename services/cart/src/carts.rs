//! The contract of the component `carts`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{CartId, CustomerId, Money, MoneyError, OrderId, ProductId, Quantity, Version, VoucherCode};

/// Lines of one cart.
pub const MAX_LINES: usize = 100;

/// Keeps the carts.
///
/// Every change names the version that it is based on (optimistic concurrency): of two changes that are based on the same
/// version one is refused, so that neither overwrites what the other did unseen.
#[async_trait]
pub trait Carts: Send + Sync {
    /// Opens an empty cart; one that is open already is returned as it is. Idempotent by its id.
    async fn open(&self, cart: OpenCart) -> Result<Cart, CartError>;

    /// The cart. Idempotent.
    async fn cart(&self, id: CartId) -> Result<Cart, CartError>;

    /// Sets how many of a product the cart has. A change that is repeated finds another version.
    async fn change(&self, change: ChangeLine) -> Result<Cart, CartError>;

    /// Sets the voucher of the cart. A change that is repeated finds another version.
    async fn apply(&self, apply: ApplyVoucher) -> Result<Cart, CartError>;

    /// Takes out of the cart what was ordered. Idempotent by the order.
    async fn clear(&self, clear: ClearCart) -> Result<Cart, CartError>;
}

/// A cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// Its id.
    pub id: CartId,
    /// Whose it is.
    pub customer: CustomerId,
    /// Its version: its entity tag.
    pub version: Version,
    /// Its lines, at most [`MAX_LINES`], each of another product, in the order of the products' ids.
    pub lines: Vec<CartLine>,
    /// Its voucher.
    pub voucher: Option<VoucherCode>,
    /// The latest orders that were made of it, at most [`Cart::REMEMBERED`].
    pub ordered: Vec<OrderId>,
}

/// A line of a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// The price at which the customer put it in; the order takes the current one.
    pub seen_price: Money,
}

/// Opens a cart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenCart {
    /// The new cart's id.
    pub id: CartId,
    /// Whose it is.
    pub customer: CustomerId,
}

/// Sets how many of a product a cart has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeLine {
    /// The cart.
    pub cart: CartId,
    /// The version that the change is based on.
    pub expected: Version,
    /// The product.
    pub product: ProductId,
    /// How many; `None` removes the line.
    pub quantity: Option<Quantity>,
    /// The price that the customer saw.
    pub seen_price: Money,
}

/// Sets the voucher of a cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyVoucher {
    /// The cart.
    pub cart: CartId,
    /// The version that the change is based on.
    pub expected: Version,
    /// The voucher; `None` removes it.
    pub code: Option<VoucherCode>,
}

/// Takes out of a cart what was ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClearCart {
    /// The cart.
    pub cart: CartId,
    /// The order that was made of it.
    pub order: OrderId,
    /// What was ordered. More of it, which was put in since, stays.
    pub lines: Vec<OrderedLine>,
}

/// So many of a product were ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedLine {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
}

/// The errors of carts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CartError {
    /// No cart has the id.
    #[error("no cart has the id `{id}`")]
    NotFound {
        /// The id.
        id: CartId,
    },
    /// The cart belongs to somebody else.
    #[error("the cart belongs to another customer")]
    OtherCustomer,
    /// The cart was changed since.
    #[error("the cart has version {}, and another one was expected", .current.0)]
    Stale {
        /// Its version.
        current: Version,
    },
    /// More than [`MAX_LINES`].
    #[error("a cart has at most {MAX_LINES} lines")]
    TooManyLines,
    /// No product has the id.
    #[error("no product has the id `{product}`")]
    UnknownProduct {
        /// The id.
        product: ProductId,
    },
    /// The product has another price than the customer saw.
    #[error("the price of `{product}` has changed")]
    PriceChanged {
        /// The product.
        product: ProductId,
        /// Its current price.
        price: Money,
    },
    /// The prices have different currencies.
    #[error(transparent)]
    Money {
        /// What is wrong with them.
        #[from]
        fault: MoneyError,
    },
    /// No voucher has the code.
    #[error("no voucher has the code `{code}`")]
    UnknownVoucher {
        /// The code.
        code: VoucherCode,
    },
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for CartError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } => Kind::NotFound,
            Self::OtherCustomer | Self::Stale { .. } | Self::PriceChanged { .. } => Kind::Conflict,
            Self::TooManyLines
            | Self::UnknownProduct { .. }
            | Self::Money { .. }
            | Self::UnknownVoucher { .. } => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}

impl Cart {
    /// Orders that a cart remembers.
    pub const REMEMBERED: usize = 16;

    /// An empty cart.
    pub fn empty(OpenCart { id, customer }: OpenCart) -> Self {
        Self {
            id,
            customer,
            version: Version::default(),
            lines: Vec::new(),
            voucher: None,
            ordered: Vec::new(),
        }
    }

    /// The cart with this change. The version, and what the catalogue has to say, are checked before.
    pub(crate) fn changed(mut self, change: &ChangeLine) -> Result<Self, CartError> {
        let place = self.lines.binary_search_by_key(&change.product, |line| line.product);
        match (place, change.quantity) {
            (Ok(index), Some(quantity)) => {
                let (product, seen_price) = (change.product, change.seen_price);
                self.lines[index] = CartLine { product, quantity, seen_price };
            }
            (Err(_), Some(_)) if self.lines.len() >= MAX_LINES => return Err(CartError::TooManyLines),
            (Err(index), Some(quantity)) => {
                let line = CartLine { product: change.product, quantity, seen_price: change.seen_price };
                self.lines.insert(index, line);
            }
            (Ok(index), None) => {
                self.lines.remove(index);
            }
            // Nothing to remove: the cart is as it was asked for, and its version says so.
            (Err(_), None) => return Ok(self),
        }
        let prices = || self.lines.iter().map(|line| line.seen_price);
        if let Some(first) = prices().next() {
            Money::sum(prices(), first.currency)?;
        }
        Ok(self.next())
    }

    /// The cart with this voucher.
    pub(crate) fn with_voucher(mut self, apply: ApplyVoucher) -> Result<Self, CartError> {
        self.expect(apply.expected)?;
        if self.voucher == apply.code {
            return Ok(self);
        }
        self.voucher = apply.code;
        Ok(self.next())
    }

    /// The cart without what was ordered; `None` if that has been taken out before.
    pub(crate) fn without(mut self, clear: &ClearCart) -> Option<Self> {
        if self.ordered.contains(&clear.order) {
            return None;
        }
        self.lines = self.lines.iter().filter_map(|line| line.less(&clear.lines)).collect();
        self.voucher = None;
        self.ordered.push(clear.order);
        if self.ordered.len() > Self::REMEMBERED {
            self.ordered.remove(0);
        }
        Some(self.next())
    }

    /// Checks that the cart has this version.
    pub(crate) fn expect(&self, expected: Version) -> Result<(), CartError> {
        let current = self.version;
        if current == expected { Ok(()) } else { Err(CartError::Stale { current }) }
    }

    fn next(mut self) -> Self {
        self.version = self.version.next();
        self
    }
}

impl CartLine {
    fn less(&self, ordered: &[OrderedLine]) -> Option<Self> {
        let taken = ordered.iter().find(|line| line.product == self.product);
        let left = self.quantity.get().saturating_sub(taken.map_or(0, |line| line.quantity.get()));
        Some(Self { quantity: Quantity::new(left).ok()?, ..*self })
    }
}
