//! What a shop stands on: its stores, and the messages on their way.

use std::{any::Any, sync::Arc};

use cart::{
    CartStore, CatalogStore, Command, NoticeStore, OrderEvent, OrderStore, PaymentStore, SagaReply,
    ShopTransaction, StockStore, VoucherStore,
};

/// The stores of a shop, new and empty, and the messages that they write.
pub(crate) struct Stores {
    pub(crate) catalog: Arc<dyn CatalogStore>,
    pub(crate) carts: Arc<dyn CartStore>,
    pub(crate) stock: Arc<dyn StockStore>,
    pub(crate) vouchers: Arc<dyn VoucherStore>,
    pub(crate) payments: Arc<dyn PaymentStore>,
    pub(crate) orders: Arc<dyn OrderStore>,
    pub(crate) shop: Arc<dyn ShopTransaction>,
    pub(crate) notices: Arc<dyn NoticeStore>,
    pub(crate) mail: Arc<dyn Mail>,
    /// What has to live as long.
    pub(crate) _kept: Box<dyn Any + Send + Sync>,
}

/// A message on its way.
#[derive(Clone, Debug)]
pub(crate) enum Message {
    Command(Command),
    Reply(SagaReply),
    Event(OrderEvent),
}

/// The messages on their way, in the order in which they were written.
pub(crate) trait Mail: Send + Sync {
    /// Takes the first message.
    fn take(&self) -> Option<Message>;

    /// Adds a message behind all others.
    fn add(&self, message: Message);
}
