//! How messages leave a transaction: the values of the axis `outbox`, for any store.
//!
//! A store writes each message of a transaction to a [`Postbox`], and calls [`Leaving::send`] when the transaction has
//! committed. With `relayed` the message is a row of the outbox, and `send` wakes the relay; with `no-relay` nothing is
//! written, and `send` publishes.

use std::sync::Arc;

use backing::{Event, Outbox, OutboxTransaction, PublishError, Topic, TopicPublisher};
use cart::{Command, Decision, SagaReply};
use futures::future::BoxFuture;

use crate::topics::{self, OrderEvents, PaymentCommands, Replies, StockCommands, VoucherCommands};

/// Where the messages of a topic go. Cheap to clone.
pub enum Postbox<T: Topic> {
    /// Into a row of the transaction, which a relay publishes.
    Relayed(Outbox<T>),
    /// To the topic, once, after the commit: a negative control.
    Once(TopicPublisher<T>),
}

impl<T: Topic> Clone for Postbox<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Relayed(outbox) => Self::Relayed(outbox.clone()),
            Self::Once(publisher) => Self::Once(publisher.clone()),
        }
    }
}

impl<T: Topic> Postbox<T> {
    /// Writes a message of a transaction of the outbox's database.
    pub async fn write(
        &self,
        transaction: &mut impl OutboxTransaction,
        event: Event<T::Payload>,
        leaving: &mut Leaving,
    ) -> Result<(), PublishError> {
        match self {
            Self::Relayed(outbox) => {
                let (outbox, published) = (outbox.clone(), outbox.publish(transaction, event).await);
                leaving.0.push(Box::pin(async move {
                    outbox.committed();
                    Ok(())
                }));
                published
            }
            Self::Once(publisher) => {
                leaving.add(publisher.clone(), event);
                Ok(())
            }
        }
    }
}

/// What is to be done when a transaction has committed: without a relay its messages are sent, with one the relay is woken.
/// If the transaction does not commit, it is dropped.
#[derive(Default)]
#[must_use = "what was written without an outbox has to be sent after the commit"]
pub struct Leaving(Vec<BoxFuture<'static, Result<(), PublishError>>>);

impl Leaving {
    fn add<T: Topic>(&mut self, publisher: TopicPublisher<T>, event: Event<T::Payload>) {
        self.0.push(Box::pin(async move { publisher.publish(event).await }));
    }

    /// Sends everything, each message once: what fails is lost.
    pub async fn send(self) {
        for sent in self.0 {
            if let Err(error) = sent.await {
                tracing::warn!(%error, "a message is lost: there is no outbox that would publish it again");
            }
        }
    }
}

/// Where the messages of `orders` go. Cheap to clone.
#[derive(Clone)]
pub struct OrderPost(Arc<OrderBoxes>);

/// The postboxes of `orders`, all for one database.
pub struct OrderBoxes {
    /// Commands to the stock.
    pub stock: Postbox<StockCommands>,
    /// Commands to the vouchers.
    pub vouchers: Postbox<VoucherCommands>,
    /// Commands to payments.
    pub payments: Postbox<PaymentCommands>,
    /// What happened to orders.
    pub events: Postbox<OrderEvents>,
}

impl OrderPost {
    /// Posts to these.
    pub fn new(boxes: OrderBoxes) -> Self {
        Self(Arc::new(boxes))
    }

    /// Writes the messages of a decision in the transaction that stores it; its commands only if they go through the outbox.
    pub async fn write(
        &self,
        transaction: &mut impl OutboxTransaction,
        decision: &Decision,
        commands_in_outbox: bool,
    ) -> Result<Leaving, PublishError> {
        let mut leaving = Leaving::default();
        let commands = if commands_in_outbox { &decision.commands[..] } else { &[] };
        for command in commands {
            self.add(transaction, command, &mut leaving).await?;
        }
        for event in decision.events.iter().cloned() {
            self.0.events.write(transaction, topics::order_event(event), &mut leaving).await?;
        }
        Ok(leaving)
    }

    /// Writes a command alone.
    pub async fn write_command(
        &self,
        transaction: &mut impl OutboxTransaction,
        command: &Command,
    ) -> Result<Leaving, PublishError> {
        let mut leaving = Leaving::default();
        self.add(transaction, command, &mut leaving).await?;
        Ok(leaving)
    }

    async fn add(
        &self,
        transaction: &mut impl OutboxTransaction,
        command: &Command,
        leaving: &mut Leaving,
    ) -> Result<(), PublishError> {
        let OrderBoxes { stock, vouchers, payments, .. } = &*self.0;
        match command.clone() {
            Command::Stock(command) => {
                stock.write(transaction, topics::stock_command(command), leaving).await
            }
            Command::Voucher(command) => {
                vouchers.write(transaction, topics::voucher_command(command), leaving).await
            }
            Command::Payment(command) => {
                payments.write(transaction, topics::payment_command(command), leaving).await
            }
        }
    }
}

/// Where the replies of a participant go. Cheap to clone.
#[derive(Clone)]
pub struct ReplyPost(Postbox<Replies>);

impl ReplyPost {
    /// Posts to this.
    pub fn new(replies: Postbox<Replies>) -> Self {
        Self(replies)
    }

    /// Writes a reply in the transaction that has performed its command.
    pub async fn write(
        &self,
        transaction: &mut impl OutboxTransaction,
        reply: SagaReply,
    ) -> Result<Leaving, PublishError> {
        let mut leaving = Leaving::default();
        self.0.write(transaction, topics::reply(reply), &mut leaving).await?;
        Ok(leaving)
    }
}
