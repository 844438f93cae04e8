//! The contract of the component `catalog`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{Money, ProductId};

/// Products of one page, and of one call that names them.
pub const MAX_PRODUCTS: usize = 100;
/// The longest name of a product, and the longest search, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// The highest price, in minor units.
///
/// With [`MAX_LINES`](crate::MAX_LINES) lines of [`Quantity::MAX`](crate::Quantity::MAX) each, a total stays below 10^17
/// and fits into 64 bits.
pub const MAX_PRICE: i64 = 1_000_000_000_000;

/// Knows the products and their prices.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// A page of the products whose names contain the search, by name and id. Idempotent.
    async fn list(&self, query: ProductQuery) -> Result<ProductPage, CatalogError>;

    /// The products with these ids; those that do not exist are left out. Idempotent.
    async fn products(&self, ids: ProductIds) -> Result<Products, CatalogError>;

    /// Adds a product, or replaces the one that has its id. Idempotent.
    async fn offer(&self, product: Product) -> Result<Offered, CatalogError>;
}

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its name, 1 to [`MAX_NAME_CHARS`] characters, none of them a control character.
    pub name: String,
    /// The price of one, 0 to [`MAX_PRICE`].
    pub price: Money,
}

/// Which products to list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductQuery {
    /// A part of their names, in any case; empty for all products.
    pub search: String,
    /// The last product of the page before; `None` for the first page.
    pub after: Option<Cursor>,
    /// The most products, 1 to [`MAX_PRODUCTS`].
    pub limit: u32,
}

/// A place in the list: behind this product, whether it still exists or not.
///
/// A page is found by what comes after the last product and not by a count of products to skip (keyset pagination), so that
/// no product is skipped or repeated while others come and go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Cursor {
    /// The product's name.
    pub name: String,
    /// Its id: products may share a name.
    pub id: ProductId,
}

/// A page of products.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductPage {
    /// The products.
    pub products: Vec<Product>,
    /// Where the next page begins; `None` after the last product.
    pub next: Option<Cursor>,
}

/// Products by their ids, at most [`MAX_PRODUCTS`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProductIds(pub Vec<ProductId>);

/// Products, in any order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Products(pub Vec<Product>);

impl Products {
    /// The product with this id.
    pub fn find(&self, id: ProductId) -> Option<&Product> {
        self.0.iter().find(|product| product.id == id)
    }
}

/// The product can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered;

/// The errors of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CatalogError {
    /// A limit that is none, or too high.
    #[error("a page has 1 to {MAX_PRODUCTS} products")]
    Limit,
    /// A search that is too long, or has control characters; or a cursor that no page had.
    #[error("a search has at most {MAX_NAME_CHARS} characters, none of them a control character")]
    Search,
    /// More than [`MAX_PRODUCTS`] ids.
    #[error("a call names at most {MAX_PRODUCTS} products")]
    TooManyProducts,
    /// An empty name, or one that is too long or has control characters.
    #[error("a product's name has 1 to {MAX_NAME_CHARS} characters, none of them a control character")]
    Name,
    /// A negative price, or one that is too high.
    #[error("a price is 0 to {MAX_PRICE} minor units")]
    Price,
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for CatalogError {
    fn kind(&self) -> Kind {
        match self {
            Self::Limit | Self::Search | Self::TooManyProducts | Self::Name | Self::Price => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
