//! Loaders: what a query asks of many things of a kind becomes one call (<https://github.com/graphql/dataloader>).

use std::{collections::HashMap, sync::Arc};

use async_graphql::dataloader::{DataLoader, Loader};
use cart::{Catalog, Level, Product, ProductId, ProductIds, Stock};
use remote::{Context, current, scope};

use super::{
    super::{
        Parts,
        problems::{of_catalog, of_stock},
    },
    Fault,
};

/// The loaders of one request: what another client asks for is never in its calls.
pub(super) struct Loaders {
    pub(super) products: DataLoader<ByCatalog>,
    pub(super) levels: DataLoader<ByStock>,
}

/// Loads products.
pub(super) struct ByCatalog(Arc<dyn Catalog>);

/// Loads levels.
pub(super) struct ByStock(Arc<dyn Stock>);

impl Loaders {
    pub(super) fn new(parts: &Parts) -> Self {
        // A spawned task has no deadline of its own, so it gets the request's.
        let context = current().unwrap_or_else(Context::unattended);
        let spawn = move |load| tokio::spawn(scope(context, load));
        Self {
            products: DataLoader::new(ByCatalog(Arc::clone(&parts.catalog)), spawn)
                .max_batch_size(cart::MAX_PRODUCTS),
            levels: DataLoader::new(ByStock(Arc::clone(&parts.stock)), spawn)
                .max_batch_size(cart::MAX_PRODUCTS),
        }
    }
}

impl Loader<ProductId> for ByCatalog {
    type Value = Product;
    type Error = Fault;

    async fn load(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Product>, Fault> {
        let found = self.0.products(ProductIds(ids.to_vec())).await.map_err(of_catalog)?;
        Ok(found.0.into_iter().map(|product| (product.id, product)).collect())
    }
}

impl Loader<ProductId> for ByStock {
    type Value = Level;
    type Error = Fault;

    async fn load(&self, ids: &[ProductId]) -> Result<HashMap<ProductId, Level>, Fault> {
        let found = self.0.levels(ProductIds(ids.to_vec())).await.map_err(of_stock)?;
        Ok(found.0.into_iter().map(|level| (level.product, level)).collect())
    }
}
