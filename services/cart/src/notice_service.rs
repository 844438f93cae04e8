//! The logic of the component `notices`.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    MAX_NOTICES, Money, Notice, NoticeError, NoticeList, NoticeStore, Notices, OrderEvent, OrderId,
    OrderNews, Refusal, Told,
};

/// Tells customers what happens to their orders.
pub struct NoticeService {
    store: Arc<dyn NoticeStore>,
}

impl NoticeService {
    /// Creates the service on a store.
    pub fn new(store: Arc<dyn NoticeStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl Notices for NoticeService {
    async fn tell(&self, event: OrderEvent) -> Result<Told, NoticeError> {
        let text = text(&event.news, event.total);
        let OrderEvent { id, order, customer, at, .. } = event;
        self.store.insert(&Notice { event: id, order, customer, text, at }).await?;
        Ok(Told)
    }

    async fn told(&self, order: OrderId) -> Result<NoticeList, NoticeError> {
        Ok(NoticeList(self.store.of_order(order, MAX_NOTICES).await?))
    }
}

fn text(news: &OrderNews, total: Money) -> String {
    match news {
        OrderNews::Made(lines) => format!("we have your order of {} products for {total}", lines.len()),
        OrderNews::Paid(_) => format!("your order is paid: {total}"),
        OrderNews::Shipped => "your order is on its way".to_owned(),
        OrderNews::Cancelled(Refusal::Cancelled) => "your order was cancelled, as you wished".to_owned(),
        OrderNews::Cancelled(reason) => format!("your order was cancelled: {reason}"),
        OrderNews::Refunded(_, amount) => format!("we have given you {amount} back"),
    }
}
