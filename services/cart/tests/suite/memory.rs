//! The ports in memory: one database for all components, with an outbox that a test delivers.

mod goods;
mod orders;
mod payments;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
};

use async_trait::async_trait;
use cart::{
    Cart, CartId, CartStore, CatalogStore, Cursor, Delivery, DeliveryId, EventId, Level, Notice, NoticeStore,
    OrderId, Outcome, Product, ProductId, ProductPage, ProductQuery, Purchase, Redemption, RequestKey,
    Reservation, Version, Voucher, VoucherCode, ports::StoredPayment,
};
use contract::{Timestamp, Unavailable};

use self::orders::KeyRow;
use crate::stores::{Mail, Message};

/// A database of all components. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Tables>>);

/// What is stored.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) products: BTreeMap<ProductId, Product>,
    pub(crate) carts: BTreeMap<CartId, Cart>,
    pub(crate) levels: BTreeMap<ProductId, Level>,
    pub(crate) deliveries: BTreeMap<DeliveryId, Delivery>,
    pub(crate) reservations: BTreeMap<OrderId, Reservation>,
    pub(crate) vouchers: BTreeMap<VoucherCode, Voucher>,
    pub(crate) redemptions: BTreeMap<OrderId, Redemption>,
    pub(crate) payments: BTreeMap<OrderId, StoredPayment>,
    pub(crate) purchases: BTreeMap<OrderId, Purchase>,
    pub(crate) keys: BTreeMap<RequestKey, KeyRow>,
    pub(crate) sales: BTreeMap<ProductId, Vec<OrderId>>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) inbox: BTreeMap<EventId, (Outcome, Timestamp)>,
    pub(crate) replies: BTreeMap<EventId, Timestamp>,
    pub(crate) outbox: VecDeque<Message>,
}

impl Memory {
    pub(crate) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap()
    }
}

/// Deletes at most so many entries that are old.
pub(crate) fn forget<K: Clone + Ord, V>(
    entries: &mut BTreeMap<K, V>,
    is_old: impl Fn(&V) -> bool,
    most: u32,
) -> u64 {
    let old = entries.iter().filter(|(_, value)| is_old(value)).take(most as usize);
    let old: Vec<K> = old.map(|(key, _)| key.clone()).collect();
    for key in &old {
        entries.remove(key);
    }
    old.len() as u64
}

impl Memory {
    /// Deletes some commands of the inbox that were performed before this.
    pub(crate) fn forget_commands(&self, before: Timestamp, most: u32) -> u64 {
        forget(&mut self.tables().inbox, |(_, performed)| *performed < before, most)
    }
}

impl Mail for Memory {
    fn take(&self) -> Option<Message> {
        self.tables().outbox.pop_front()
    }

    fn add(&self, message: Message) {
        self.tables().outbox.push_back(message);
    }
}

#[async_trait]
impl CatalogStore for Memory {
    async fn list(&self, query: &ProductQuery) -> Result<ProductPage, Unavailable> {
        let search = query.search.to_lowercase();
        let tables = self.tables();
        let cursor = |product: &Product| Cursor { name: product.name.clone(), id: product.id };
        let mut found: Vec<_> = tables
            .products
            .values()
            .filter(|product| product.name.to_lowercase().contains(&search))
            .collect();
        found.sort_by_key(|product| cursor(product));
        found.retain(|product| query.after.as_ref().is_none_or(|after| cursor(product) > *after));
        let is_more = found.len() > query.limit as usize;
        found.truncate(query.limit as usize);
        let next = found.last().filter(|_| is_more).map(|last| cursor(last));
        Ok(ProductPage { products: found.into_iter().cloned().collect(), next })
    }

    async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Unavailable> {
        let tables = self.tables();
        Ok(ids.iter().filter_map(|id| tables.products.get(id).cloned()).collect())
    }

    async fn store(&self, product: &Product) -> Result<(), Unavailable> {
        self.tables().products.insert(product.id, product.clone());
        Ok(())
    }
}

#[async_trait]
impl CartStore for Memory {
    async fn insert(&self, cart: &Cart) -> Result<Cart, Unavailable> {
        Ok(self.tables().carts.entry(cart.id).or_insert_with(|| cart.clone()).clone())
    }

    async fn find(&self, id: CartId) -> Result<Option<Cart>, Unavailable> {
        Ok(self.tables().carts.get(&id).cloned())
    }

    async fn replace(&self, cart: &Cart, replaced: Version) -> Result<bool, Unavailable> {
        let mut tables = self.tables();
        let is_current = tables.carts.get(&cart.id).is_some_and(|stored| stored.version == replaced);
        if is_current {
            tables.carts.insert(cart.id, cart.clone());
        }
        Ok(is_current)
    }
}

#[async_trait]
impl NoticeStore for Memory {
    async fn insert(&self, notice: &Notice) -> Result<(), Unavailable> {
        let notices = &mut self.tables().notices;
        if notices.iter().all(|stored| stored.event != notice.event) {
            notices.push(notice.clone());
        }
        Ok(())
    }

    async fn of_order(&self, order: OrderId, most: usize) -> Result<Vec<Notice>, Unavailable> {
        let tables = self.tables();
        let mut found: Vec<_> =
            tables.notices.iter().filter(|notice| notice.order == order).cloned().collect();
        found.sort_by_key(|notice| notice.at);
        found.truncate(most);
        Ok(found)
    }
}
