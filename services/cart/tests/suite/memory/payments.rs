//! Payments in memory.

use async_trait::async_trait;
use cart::{
    EventId, OrderId, Outcome, PaymentStore, SagaReply,
    ports::{Settled, StoredPayment},
};
use contract::{Timestamp, Unavailable};

use super::Memory;
use crate::stores::Message;

#[async_trait]
impl PaymentStore for Memory {
    async fn find(&self, order: OrderId) -> Result<Option<StoredPayment>, Unavailable> {
        Ok(self.tables().payments.get(&order).cloned())
    }

    async fn outcome(&self, command: EventId) -> Result<Option<Outcome>, Unavailable> {
        Ok(self.tables().inbox.get(&command).map(|(outcome, _)| *outcome))
    }

    async fn store(
        &self,
        payment: &StoredPayment,
        reply: Option<&SagaReply>,
        now: Timestamp,
    ) -> Result<Settled, Unavailable> {
        let mut tables = self.tables();
        let order = payment.payment.order;
        if tables.payments.get(&order).map_or(0, |stored| stored.version) != payment.version {
            return Ok(Settled::Changed);
        }
        let next = StoredPayment { version: payment.version + 1, ..payment.clone() };
        tables.payments.insert(order, next);
        if let Some(reply) = reply {
            tables.inbox.insert(reply.command.id(), (reply.outcome, now));
            tables.outbox.push_back(Message::Reply(*reply));
        }
        Ok(Settled::Stored)
    }

    async fn reply_again(&self, reply: &SagaReply, _: Timestamp) -> Result<(), Unavailable> {
        self.tables().outbox.push_back(Message::Reply(*reply));
        Ok(())
    }

    async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable> {
        Ok(self.forget_commands(performed_before, most))
    }
}
