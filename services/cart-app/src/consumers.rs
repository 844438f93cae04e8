//! The consumers of the topics: each passes an event to a component, and is as idempotent as that is.
//!
//! An event that the component's contract forbids becomes a dead letter: its publisher has a bug.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use backing::{Batching, Event, Subscriber, Topic, TopicPublisher, failpoint};
use cart::{
    CartError, Carts, ClearCart, Command, CommandSender, NoticeError, Notices, OrderError, OrderEvent,
    OrderNews, Orders, PaymentCommand, PaymentError, Payments, SagaReply, Stock, StockCommand, StockError,
    VoucherCommand, VoucherError, Vouchers,
};
use contract::{Unavailable, Why};
use futures::{StreamExt as _, future::BoxFuture, stream};

use crate::topics::{self, OrderEvents, PaymentCommands, Replies, StockCommands, VoucherCommands};

/// Orders of a batch that are worked on concurrently.
const ORDERS_AT_ONCE: usize = 16;

/// Takes the payload of one event.
#[async_trait]
pub trait Consumer<T: Topic>: Send + Sync {
    /// Takes it. It MUST be idempotent.
    async fn take(&self, payload: T::Payload) -> Result<(), Unavailable>;
}

/// Has a consumer take every event: of different orders concurrently, of one order one after the other.
///
/// An error of one order ends none of the others; it is returned when all have ended. They are idempotent, so that the batch
/// can come again.
pub struct ByOrder<C>(pub C);

#[async_trait]
impl<T, C> Subscriber<T> for ByOrder<C>
where
    T: Topic<Payload: Clone>,
    C: Consumer<T>,
{
    async fn receive(&self, events: &[Event<T::Payload>], _: Batching) -> Result<(), Unavailable> {
        let mut orders: BTreeMap<&str, Vec<&T::Payload>> = BTreeMap::new();
        for event in events {
            orders.entry(&event.key).or_default().push(&event.payload);
        }
        let mut each: Vec<BoxFuture<'_, Result<(), Unavailable>>> = Vec::new();
        for payloads in orders.into_values() {
            each.push(Box::pin(one_after_the_other(&self.0, payloads)));
        }
        let ended: Vec<Result<(), Unavailable>> =
            stream::iter(each).buffer_unordered(ORDERS_AT_ONCE).collect().await;
        ended.into_iter().collect()
    }
}

async fn one_after_the_other<T>(
    consumer: &impl Consumer<T>,
    payloads: Vec<&T::Payload>,
) -> Result<(), Unavailable>
where
    T: Topic<Payload: Clone>,
{
    for payload in payloads {
        failpoint::reached(T::NAME, "received");
        consumer.take(payload.clone()).await?;
        failpoint::reached(T::NAME, "performed");
    }
    Ok(())
}

/// What a contract forbids will be forbidden again.
fn never(component: &str) -> Unavailable {
    Unavailable::new(component, Why::Misunderstood)
}

/// Has the stock perform its commands.
pub struct StockConsumer(pub Arc<dyn Stock>);

#[async_trait]
impl Consumer<StockCommands> for StockConsumer {
    async fn take(&self, command: StockCommand) -> Result<(), Unavailable> {
        match self.0.perform(command).await {
            Ok(_) => Ok(()),
            Err(StockError::Unavailable(unavailable)) => Err(unavailable),
            Err(_) => Err(never("stock")),
        }
    }
}

/// Has the vouchers perform their commands.
pub struct VoucherConsumer(pub Arc<dyn Vouchers>);

#[async_trait]
impl Consumer<VoucherCommands> for VoucherConsumer {
    async fn take(&self, command: VoucherCommand) -> Result<(), Unavailable> {
        match self.0.perform(command).await {
            Ok(_) => Ok(()),
            Err(VoucherError::Unavailable(unavailable)) => Err(unavailable),
            Err(_) => Err(never("vouchers")),
        }
    }
}

/// Has payments perform their commands.
pub struct PaymentConsumer(pub Arc<dyn Payments>);

#[async_trait]
impl Consumer<PaymentCommands> for PaymentConsumer {
    async fn take(&self, command: PaymentCommand) -> Result<(), Unavailable> {
        match self.0.perform(command).await {
            Ok(_) => Ok(()),
            Err(PaymentError::Unavailable(unavailable)) => Err(unavailable),
            Err(_) => Err(never("payments")),
        }
    }
}

/// Tells sagas what their participants reply.
pub struct ReplyConsumer(pub Arc<dyn Orders>);

#[async_trait]
impl Consumer<Replies> for ReplyConsumer {
    async fn take(&self, reply: SagaReply) -> Result<(), Unavailable> {
        match self.0.reply(reply).await {
            Ok(_) => Ok(()),
            Err(OrderError::Unavailable(unavailable)) => Err(unavailable),
            Err(_) => Err(never("orders")),
        }
    }
}

/// Tells customers what happens to their orders.
pub struct NoticeConsumer(pub Arc<dyn Notices>);

#[async_trait]
impl Consumer<OrderEvents> for NoticeConsumer {
    async fn take(&self, event: OrderEvent) -> Result<(), Unavailable> {
        match self.0.tell(event).await {
            Ok(_) => Ok(()),
            Err(NoticeError::Unavailable(unavailable)) => Err(unavailable),
        }
    }
}

/// Takes what was paid out of carts. What is refused stays there.
pub struct CartConsumer(pub Arc<dyn Carts>);

#[async_trait]
impl Consumer<OrderEvents> for CartConsumer {
    async fn take(&self, event: OrderEvent) -> Result<(), Unavailable> {
        let OrderEvent { cart, order, news: OrderNews::Paid(lines), .. } = event else { return Ok(()) };
        match self.0.clear(ClearCart { cart, order, lines }).await {
            Ok(_) => Ok(()),
            Err(CartError::Unavailable(unavailable)) => Err(unavailable),
            Err(_) => Err(never("carts")),
        }
    }
}

/// Publishes commands past the outbox: for the control `dual-write`.
pub struct PublishedCommands {
    /// To the stock.
    pub stock: TopicPublisher<StockCommands>,
    /// To the vouchers.
    pub vouchers: TopicPublisher<VoucherCommands>,
    /// To payments.
    pub payments: TopicPublisher<PaymentCommands>,
}

#[async_trait]
impl CommandSender for PublishedCommands {
    async fn send(&self, command: &Command) -> Result<(), Unavailable> {
        let published = match command.clone() {
            Command::Stock(command) => self.stock.publish(topics::stock_command(command)).await,
            Command::Voucher(command) => self.vouchers.publish(topics::voucher_command(command)).await,
            Command::Payment(command) => self.payments.publish(topics::payment_command(command)).await,
        };
        Ok(published?)
    }
}
