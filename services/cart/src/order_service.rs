//! The logic of the component `orders`.

use std::time::Duration;

use async_trait::async_trait;
use contract::{Timestamp, Unavailable};

use crate::{
    CheckedOut, Checkout, Decision, EventId, LONGEST_WAIT, MAX_PRODUCTS, MAX_SAGAS, Order, OrderError,
    OrderId, Orders, ProductIds, Purchase, RefundOrder, RepairSaga, Replied, RequestKey, SagaQuery,
    SagaReply, Sagas, Sales,
    checkout::{Attempt, CheckoutParts, CheckoutStrategy},
    ports::{Advanced, Claim, Claimed},
};

/// How long a claim lasts: longer than any attempt that is alive.
const CLAIMED_FOR: Duration = Duration::from_secs(30);
/// How long a key and its reply are remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(24);
/// Sagas that one call of [`OrderService::tick`] moves on.
const MOST_DUE: u32 = 100;

/// Whether idempotency keys are honoured: the values of the axis `idempotency`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    /// A key runs one checkout.
    On,
    /// Keys are ignored: a negative control.
    Off,
}

/// Runs checkouts, and knows the orders that come of them.
pub struct OrderService {
    parts: CheckoutParts,
    strategy: CheckoutStrategy,
    idempotency: Idempotency,
    ids: Box<dyn Fn() -> OrderId + Send + Sync>,
}

impl OrderService {
    /// Creates the service on what a checkout needs, with a source of unique ids.
    pub fn new(
        parts: CheckoutParts,
        strategy: CheckoutStrategy,
        idempotency: Idempotency,
        ids: impl Fn() -> OrderId + Send + Sync + 'static,
    ) -> Self {
        Self { parts, strategy, idempotency, ids: Box::new(ids) }
    }

    /// Sends again what sagas wait for in vain, compensates or parks them; returns how many it moved on. To be called now
    /// and then, by any number of processes.
    ///
    /// The control `dual-write` has nothing that does this.
    pub async fn tick(&self) -> Result<usize, OrderError> {
        if matches!(self.strategy, CheckoutStrategy::DualWrite(_)) {
            return Ok(0);
        }
        let now = self.now();
        let due = self.parts.store.due(now, MOST_DUE).await?;
        let mut failed = None;
        for order in &due {
            // One that cannot be moved on holds up no other.
            if let Err(error) = self.advance(*order, None, |purchase| purchase.on_timer(now)).await {
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(due.len()), Err)
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    /// Claims the key; returns the order to make, or the reply that the key has.
    async fn claim(&self, checkout: &Checkout) -> Result<(RequestKey, Claimed), OrderError> {
        let (order, now) = ((self.ids)(), self.now());
        let key = match self.idempotency {
            Idempotency::On => checkout.key.clone(),
            Idempotency::Off => RequestKey::of(order),
        };
        let claim = Claim {
            key: key.clone(),
            fingerprint: checkout.fingerprint(),
            order,
            now,
            until: now.plus(CLAIMED_FOR),
            forgotten_at: now.plus(REMEMBERED_FOR),
        };
        Ok((key, self.parts.store.claim(&claim).await?))
    }

    async fn attempt(
        &self,
        checkout: &Checkout,
        key: RequestKey,
        order: OrderId,
    ) -> Result<CheckedOut, OrderError> {
        let order = self.parts.order(checkout, order).await?;
        let attempt = Attempt { key, order, token: checkout.token.clone() };
        self.parts.run(&self.strategy, &attempt).await?.map_err(OrderError::from)
    }

    async fn advance(
        &self,
        order: OrderId,
        reply: Option<EventId>,
        decide: impl Fn(&Purchase) -> Option<Decision> + Send + Sync,
    ) -> Result<Advanced, OrderError> {
        let in_outbox = !matches!(self.strategy, CheckoutStrategy::DualWrite(_));
        let advanced = self.parts.store.advance(order, reply, in_outbox, &decide).await?;
        let advanced = advanced.ok_or(OrderError::NotFound { id: order })?;
        if let (CheckoutStrategy::DualWrite(sender), Advanced::Changed(decision)) =
            (&self.strategy, &advanced)
        {
            for command in &decision.commands {
                sender.send(command).await?;
            }
        }
        Ok(advanced)
    }

    /// Changes an order as a person asks. If nothing has changed, the same decision on the stored order says why.
    async fn change<E: Into<OrderError>>(
        &self,
        order: OrderId,
        decide: impl Fn(&Purchase) -> Result<Option<Decision>, E> + Send + Sync,
    ) -> Result<Order, OrderError> {
        match self.advance(order, None, |purchase| decide(purchase).ok().flatten()).await? {
            Advanced::Changed(decision) => Ok(decision.purchase.order),
            Advanced::Unchanged(purchase) => {
                decide(&purchase).map_err(Into::into)?;
                Ok(purchase.order)
            }
        }
    }
}

#[async_trait]
impl Orders for OrderService {
    async fn checkout(&self, checkout: Checkout) -> Result<CheckedOut, OrderError> {
        let (key, order) = match self.claim(&checkout).await? {
            (key, Claimed::Taken(order)) => (key, order),
            (_, Claimed::InFlight) => return Err(OrderError::InFlight),
            (_, Claimed::Mismatch) => return Err(OrderError::KeyReused),
            (_, Claimed::Replied(reply)) => return reply.map_err(OrderError::from),
        };
        let checked_out = self.attempt(&checkout, key.clone(), order).await;
        if checked_out.is_err() {
            // Only what was stored is repeated. Anything else the next request with the key may try at once, with the same
            // order; if this fails too, it has to wait until the claim ends.
            let _: Result<(), Unavailable> = self.parts.store.release(&key).await;
        }
        checked_out
    }

    async fn order(&self, id: OrderId) -> Result<Order, OrderError> {
        let found = self.parts.store.find(id).await?;
        found.map(|purchase| purchase.order).ok_or(OrderError::NotFound { id })
    }

    async fn cancel(&self, id: OrderId) -> Result<Order, OrderError> {
        let now = self.now();
        self.change(id, |purchase| purchase.cancel(now)).await
    }

    async fn ship(&self, id: OrderId) -> Result<Order, OrderError> {
        let now = self.now();
        self.change(id, |purchase| purchase.ship(now)).await
    }

    async fn refund(&self, refund: RefundOrder) -> Result<Order, OrderError> {
        let now = self.now();
        self.change(refund.order, |purchase| purchase.refund(refund.refund, refund.amount, now)).await
    }

    async fn sales(&self, products: ProductIds) -> Result<Sales, OrderError> {
        if products.0.len() > MAX_PRODUCTS {
            return Err(OrderError::TooManyProducts);
        }
        Ok(Sales(self.parts.store.sales(&products.0).await?))
    }

    async fn sagas(&self, query: SagaQuery) -> Result<Sagas, OrderError> {
        if !(1..=MAX_SAGAS).contains(&query.limit) {
            return Err(OrderError::Limit);
        }
        let overdue = self.now().millis().saturating_sub(LONGEST_WAIT.as_millis() as u64);
        Ok(Sagas(self.parts.store.sagas(&query, Timestamp::from_millis(overdue)).await?))
    }

    async fn repair(&self, repair: RepairSaga) -> Result<Order, OrderError> {
        let now = self.now();
        self.change(repair.order, |purchase| purchase.repair(now).map(Some)).await
    }

    async fn reply(&self, reply: SagaReply) -> Result<Replied, OrderError> {
        let now = self.now();
        let order = reply.command.order;
        match self.advance(order, Some(reply.id()), |purchase| purchase.on_reply(&reply, now)).await {
            // Participants reply to calls as well: a checkout may end before its order is stored.
            Ok(_) | Err(OrderError::NotFound { .. }) => Ok(Replied),
            Err(error) => Err(error),
        }
    }
}
