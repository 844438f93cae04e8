//! Orders in memory, and the transaction over the whole shop.

use async_trait::async_trait;
use cart::{
    Command, Decision, Fingerprint, Money, OrderId, OrderStore, OrderedLine, Outcome, ProductId,
    ProductSales, Purchase, Refusal, Reply, RequestKey, SagaQuery, SagaStanding, ShopTransaction,
    StockAction, VoucherAction,
    ports::{Abandoned, Advanced, Claim, Claimed, Decide, Left, Refuse, TakenReply},
};
use contract::{Timestamp, Unavailable};

use super::{Memory, Tables, forget};
use crate::stores::Message;

/// What is stored of an idempotency key.
pub(crate) struct KeyRow {
    fingerprint: Fingerprint,
    order: OrderId,
    total: Money,
    until: Timestamp,
    forgotten_at: Timestamp,
    reply: Option<Reply>,
    /// Attempts that may have left a hold.
    open_attempts: u32,
}

impl KeyRow {
    fn is_abandoned(&self, by: Timestamp) -> bool {
        self.reply.is_none() && self.open_attempts > 0 && self.until <= by
    }
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
        let Claim { fingerprint, order, total, now, until, forgotten_at, .. } = *claim;
        tables.keys.retain(|_, row| row.forgotten_at > now);
        let Some(row) = tables.keys.get_mut(&claim.key) else {
            let row =
                KeyRow { fingerprint, order, total, until, forgotten_at, reply: None, open_attempts: 1 };
            tables.keys.insert(claim.key.clone(), row);
            return Ok(Claimed::Taken(order));
        };
        Ok(match row.reply {
            _ if row.fingerprint != fingerprint => Claimed::Mismatch,
            Some(reply) => Claimed::Replied(reply),
            None if row.until > now => Claimed::InFlight,
            None => {
                row.until = until;
                row.open_attempts += 1;
                Claimed::Taken(row.order)
            }
        })
    }

    async fn release(&self, key: &RequestKey, left: Left, now: Timestamp) -> Result<(), Unavailable> {
        if let Some(row) = self.tables().keys.get_mut(key).filter(|row| row.reply.is_none()) {
            row.until = row.until.min(now);
            row.open_attempts -= u32::from(left == Left::Nothing);
        }
        Ok(())
    }

    async fn abandoned(&self, by: Timestamp, most: u32) -> Result<Vec<Abandoned>, Unavailable> {
        let tables = self.tables();
        let mut found: Vec<_> = tables.keys.iter().filter(|(_, row)| row.is_abandoned(by)).collect();
        found.sort_by_key(|(_, row)| row.until);
        let abandoned = |(key, row): &(&RequestKey, &KeyRow)| Abandoned {
            key: (*key).clone(),
            order: row.order,
            total: row.total,
        };
        Ok(found.iter().take(most as usize).map(abandoned).collect())
    }

    async fn abandon(
        &self,
        key: &RequestKey,
        by: Timestamp,
        reply: &Reply,
        command: &Command,
    ) -> Result<bool, Unavailable> {
        let mut tables = self.tables();
        let Some(row) = tables.keys.get_mut(key).filter(|row| row.is_abandoned(by)) else { return Ok(false) };
        row.reply = Some(*reply);
        tables.outbox.push_back(Message::Command(command.clone()));
        Ok(true)
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
        reply: Option<TakenReply>,
        commands_in_outbox: bool,
        decide: &Decide<'_>,
    ) -> Result<Option<Advanced>, Unavailable> {
        let mut tables = self.tables();
        let Some(purchase) = tables.purchases.get(&order).cloned() else { return Ok(None) };
        if let Some(TakenReply { id, at }) = reply {
            if tables.replies.contains_key(&id) {
                return Ok(Some(Advanced::Unchanged(purchase)));
            }
            tables.replies.insert(id, at);
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

    async fn sales(
        &self,
        products: &[ProductId],
        most: usize,
    ) -> Result<Option<Vec<ProductSales>>, Unavailable> {
        let tables = self.tables();
        let orders = |product: &ProductId| tables.sales.get(product).cloned().unwrap_or_default();
        let sales: Vec<_> = products
            .iter()
            .map(|product| ProductSales { product: *product, orders: orders(product) })
            .collect();
        let count: usize = sales.iter().map(|sales| sales.orders.len()).sum();
        Ok((count <= most).then_some(sales))
    }

    async fn sagas(&self, query: &SagaQuery, due_before: Timestamp) -> Result<Vec<Purchase>, Unavailable> {
        let tables = self.tables();
        let is_meant = |purchase: &&Purchase| match query.standing {
            SagaStanding::Stuck => purchase.is_running() && purchase.due() < due_before,
            SagaStanding::Parked => purchase.is_parked() && !purchase.is_running(),
            SagaStanding::Running => purchase.is_running(),
        };
        let is_after = |purchase: &&Purchase| query.after.is_none_or(|after| purchase.order.id > after);
        let found = tables.purchases.values().filter(is_after).filter(is_meant);
        Ok(found.take(query.limit as usize).cloned().collect())
    }

    async fn due(&self, now: Timestamp, most: u32) -> Result<Vec<OrderId>, Unavailable> {
        let tables = self.tables();
        let is_due = |purchase: &&Purchase| purchase.is_running() && purchase.due() <= now;
        let mut due: Vec<_> = tables.purchases.values().filter(is_due).collect();
        due.sort_by_key(|purchase| purchase.due());
        Ok(due.iter().take(most as usize).map(|purchase| purchase.order.id).collect())
    }

    async fn forget(&self, now: Timestamp, taken_before: Timestamp, most: u32) -> Result<u64, Unavailable> {
        let mut tables = self.tables();
        let keys = forget(&mut tables.keys, |row| row.forgotten_at <= now, most);
        Ok(keys + forget(&mut tables.replies, |at| *at < taken_before, most))
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
