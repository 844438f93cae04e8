//! The logic of the component `catalog`.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    Catalog, CatalogError, CatalogStore, MAX_NAME_CHARS, MAX_PRICE, MAX_PRODUCTS, Offered, Product,
    ProductIds, ProductPage, ProductQuery, Products,
};

/// Lists and offers products.
pub struct CatalogService {
    store: Arc<dyn CatalogStore>,
}

impl CatalogService {
    /// Creates the service on a store.
    pub fn new(store: Arc<dyn CatalogStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Catalog for CatalogService {
    async fn list(&self, query: ProductQuery) -> Result<ProductPage, CatalogError> {
        if !(1..=MAX_PRODUCTS).contains(&(query.limit as usize)) {
            return Err(CatalogError::Limit);
        }
        let cursor = query.after.as_ref().map_or("", |cursor| &cursor.name);
        if [&query.search, cursor].into_iter().any(|text| !is_plain(text)) {
            return Err(CatalogError::Search);
        }
        Ok(self.store.list(&query).await?)
    }

    async fn products(&self, ids: ProductIds) -> Result<Products, CatalogError> {
        if ids.0.len() > MAX_PRODUCTS {
            return Err(CatalogError::TooManyProducts);
        }
        Ok(Products(self.store.find(&ids.0).await?))
    }

    async fn offer(&self, product: Product) -> Result<Offered, CatalogError> {
        if product.name.is_empty() || !is_plain(&product.name) {
            return Err(CatalogError::Name);
        }
        if !(0..=MAX_PRICE).contains(&product.price.minor) {
            return Err(CatalogError::Price);
        }
        self.store.store(&product).await?;
        Ok(Offered)
    }
}

/// Whether a text can be a part of a name. Control characters have no form, and PostgreSQL stores no zero byte.
fn is_plain(text: &str) -> bool {
    text.chars().count() <= MAX_NAME_CHARS && !text.chars().any(char::is_control)
}
