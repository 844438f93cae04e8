//! The logic of the component `stock`.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use contract::{Clock, Unavailable};

use crate::{
    Delivery, Level, Levels, MAX_LINES, MAX_PRODUCTS, MAX_STOCKED, OrderedLine, ProductIds, SagaReply, Stock,
    StockAction, StockCommand, StockError, StockStore,
    ports::{MOST_FORGOTTEN, Received, kept_since},
};

/// Reservations that are given back in one transaction.
const MOST_EXPIRED: u32 = 100;

/// Keeps the goods.
pub struct StockService {
    store: Arc<dyn StockStore>,
    clock: Arc<dyn Clock>,
}

impl StockService {
    /// Creates the service on a store and a clock.
    pub fn new(store: Arc<dyn StockStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Gives goods back whose reservations have ended; returns of how many orders. To be called now and then, by any
    /// number of processes.
    pub async fn expire(&self) -> Result<u32, Unavailable> {
        self.store.expire(self.clock.now(), MOST_EXPIRED).await
    }

    /// Deletes some of the commands that were performed so long ago that none comes again; returns how many. To be called
    /// now and then, by any number of processes.
    pub async fn forget(&self) -> Result<u64, Unavailable> {
        self.store.forget(kept_since(self.clock.now()), MOST_FORGOTTEN).await
    }
}

#[async_trait]
impl Stock for StockService {
    async fn receive(&self, delivery: Delivery) -> Result<Level, StockError> {
        if !(1..=MAX_STOCKED).contains(&delivery.quantity) {
            return Err(StockError::Quantity);
        }
        match self.store.receive(&delivery).await? {
            Received::In(level) => Ok(level),
            Received::TooMuch => Err(StockError::Quantity),
            Received::Reused => Err(StockError::DeliveryReused),
        }
    }

    async fn levels(&self, products: ProductIds) -> Result<Levels, StockError> {
        if products.0.len() > MAX_PRODUCTS {
            return Err(StockError::TooManyProducts);
        }
        Ok(Levels(self.store.levels(&products.0).await?))
    }

    async fn perform(&self, command: StockCommand) -> Result<SagaReply, StockError> {
        if let StockAction::Reserve { lines, .. } = &command.action {
            validate(lines)?;
        }
        Ok(self.store.perform(&command, self.clock.now()).await?)
    }
}

fn validate(lines: &[OrderedLine]) -> Result<(), StockError> {
    let mut products = HashSet::new();
    let sound =
        (1..=MAX_LINES).contains(&lines.len()) && lines.iter().all(|line| products.insert(line.product));
    if sound { Ok(()) } else { Err(StockError::Lines) }
}
