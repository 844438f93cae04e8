//! Orders in memory, and the transaction over the whole shop.

use async_trait::async_trait;
use cart::{
    Decision, Fingerprint, OrderId, OrderStore, OrderedLine, Outcome, ProductId, ProductSales, Purchase,
    Refusal, Reply, RequestKey, SagaQuery, SagaStanding, ShopTransaction, StockAction, VoucherAction,
    ports::{Advanced, Claim, Claimed, Decide, Refuse},
};
use contract::{Timestamp, Unavailable};

use super::{Memory, Tables};
use crate::stores::Message;

/// What is stored of an idempotency key.
pub(crate) struct KeyRow {
    fingerprint: Fingerprint,
    order: OrderId,
    until: Timestamp,
    forgotten_at: Timestamp,
    reply: Option<Reply>,
}

impl Tables {
    fn store(&mut self, decision: &Decision, commands_in_outbox: bool) {
        let order = &decision.purchase.order;
        self.purchases.insert(order.id, decision.purchase.clone());
        if commands_in_outbox {
            self.outbox.extend(decision.commands.iter().cloned().map(Message::Command));
        }
        self.outbox.extend(decision.events.iter().cloned().map(Message::Event));
        for OrderedLine { product, .. } in order.ordered() {
            if decision.is_sale {
                self.sales.entry(product).or_default().push(order.id);
            }
        }
    }

    /// The reply that the key has, or this one from now on.
    fn reply(&mut self, key: &RequestKey, reply: Reply) -> Reply {
        *self.keys.get_mut(key).unwrap().reply.get_or_insert(reply)
    }

    fn has_reply(&self, key: &RequestKey) -> Option<Reply> {
        self.keys.get(key).and_then(|row| row.reply)
    }

    /// Sells the goods and uses the voucher, or does neither.
    fn take(&mut self, purchase: &Purchase) -> Result<(), Refusal> {
        let order = &purchase.order;
        if let Some(code) = order.voucher.clone() {
            let redeem = VoucherAction::Redeem { code, customer: order.customer };
            refusal(self.perform_voucher(order.id, &redeem))?;
        }
        let reserve = StockAction::Reserve { lines: order.ordered(), until: order.made_at };
        refusal(self.perform_stock(order.id, &reserve)).inspect_err(|_| {
            // As if the transaction were rolled back.
            self.redemptions.remove(&order.id);
        })?;
        refusal(self.perform_stock(order.id, &StockAction::Commit))
    }
}

fn refusal(outcome: Outcome) -> Result<(), Refusal> {
    match outcome {
        Outcome::Done => Ok(()),
        Outcome::Refused(reason) => Err(reason),
    }
}

#[async_trait]
impl OrderStore for Memory {
    async fn claim(&self, claim: &Claim) -> Result<Claimed, Unavailable> {
        let mut tables = self.tables();
        let Claim { fingerprint, order, now, until, forgotten_at, .. } = *claim;
        tables.keys.retain(|_, row| row.forgotten_at > now);
        let Some(row) = tables.keys.get_mut(&claim.key) else {
            let row = KeyRow { fingerprint, order, until, forgotten_at, reply: None };
            tables.keys.insert(claim.key.clone(), row);
            return Ok(Claimed::Taken(order));
        };
        Ok(match row.reply {
            _ if row.fingerprint != fingerprint => Claimed::Mismatch,
            Some(reply) => Claimed::Replied(reply),
            None if row.until > now => Claimed::InFlight,
            None => {
                row.until = until;
                Claimed::Taken(row.order)
            }
        })
    }

    async fn release(&self, key: &RequestKey) -> Result<(), Unavailable> {
        if let Some(row) = self.tables().keys.get_mut(key) {
            row.until = Timestamp::from_millis(0);
        }
        Ok(())
    }

    async fn begin(
        &self,
        key: &RequestKey,
        decision: &Decision,
        commands_in_outbox: bool,
    ) -> Result<Reply, Unavailable> {
        let mut tables = self.tables();
        if let Some(reply) = tables.has_reply(key) {
            return Ok(reply);
        }
        tables.store(decision, commands_in_outbox);
        Ok(tables.reply(key, decision.purchase.reply()))
    }

    async fn advance(
        &self,
        order: OrderId,
        reply: Option<cart::EventId>,
        commands_in_outbox: bool,
        decide: &Decide<'_>,
    ) -> Result<Option<Advanced>, Unavailable> {
        let mut tables = self.tables();
        let Some(purchase) = tables.purchases.get(&order).cloned() else { return Ok(None) };
        if reply.is_some_and(|reply| !tables.replies.insert(reply)) {
            return Ok(Some(Advanced::Unchanged(purchase)));
        }
        Ok(Some(match decide(&purchase) {
            None => Advanced::Unchanged(purchase),
            Some(decision) => {
                tables.store(&decision, commands_in_outbox);
                Advanced::Changed(decision)
            }
        }))
    }

    async fn find(&self, order: OrderId) -> Result<Option<Purchase>, Unavailable> {
        Ok(self.tables().purchases.get(&order).cloned())
    }

    async fn sales(&self, products: &[ProductId]) -> Result<Vec<ProductSales>, Unavailable> {
        let tables = self.tables();
        let orders = |product: &ProductId| tables.sales.get(product).cloned().unwrap_or_default();
        Ok(products
            .iter()
            .map(|product| ProductSales { product: *product, orders: orders(product) })
            .collect())
    }

    async fn sagas(&self, query: &SagaQuery, due_before: Timestamp) -> Result<Vec<Purchase>, Unavailable> {
        let tables = self.tables();
        let is_meant = |purchase: &&Purchase| match query.standing {
            SagaStanding::Stuck => purchase.saga.state.is_running() && purchase.saga.due < due_before,
            SagaStanding::Parked => purchase.saga.state.is_parked(),
        };
        let is_after = |purchase: &&Purchase| query.after.is_none_or(|after| purchase.order.id > after);
        let found = tables.purchases.values().filter(is_after).filter(is_meant);
        Ok(found.take(query.limit as usize).cloned().collect())
    }

    async fn due(&self, now: Timestamp, most: u32) -> Result<Vec<OrderId>, Unavailable> {
        let tables = self.tables();
        let is_due = |purchase: &&Purchase| purchase.saga.state.is_running() && purchase.saga.due <= now;
        let mut due: Vec<_> = tables.purchases.values().filter(is_due).collect();
        due.sort_by_key(|purchase| purchase.saga.due);
        Ok(due.iter().take(most as usize).map(|purchase| purchase.order.id).collect())
    }
}

#[async_trait]
impl ShopTransaction for Memory {
    async fn place(
        &self,
        key: &RequestKey,
        decision: &Decision,
        refuse: &Refuse<'_>,
    ) -> Result<Reply, Unavailable> {
        let mut tables = self.tables();
        if let Some(reply) = tables.has_reply(key) {
            return Ok(reply);
        }
        let stored = match tables.take(&decision.purchase) {
            Ok(()) => decision.clone(),
            Err(reason) => refuse(reason),
        };
        tables.store(&stored, true);
        Ok(tables.reply(key, stored.purchase.reply()))
    }
}
