//! The logic of the component `orders`.

use std::time::Duration;

use async_trait::async_trait;
use contract::{Timestamp, Unavailable};

use crate::{
    CheckedOut, Checkout, Command, CommandKey, Decision, LONGEST_WAIT, MAX_PRODUCTS, MAX_SAGAS, MAX_SALES,
    Order, OrderError, OrderId, Orders, PaymentAction, PaymentCommand, ProductIds, Purchase, Purpose,
    RefundOrder, Refusal, RepairSaga, Replied, RequestKey, SagaQuery, SagaReply, Sagas, Sales, Step,
    checkout::{Attempt, CheckoutParts, CheckoutStrategy},
    ports::{Abandoned, Advanced, Claim, Claimed, Left, MOST_FORGOTTEN, TakenReply, before, kept_since},
};

/// How long a claim lasts at most. It ends with the time that its request has, so that the client which was told that it
/// took too long can try again at once.
const CLAIMED_FOR: Duration = Duration::from_secs(30);
/// How long after a claim has ended without a reply the next request with the key goes on with it. From then on the checkout
/// is refused, and what it may have held is given back.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(10);
/// How long a key and its reply are remembered.
pub const REMEMBERED_FOR: Duration = Duration::from_hours(24);
/// Sagas that one call of [`OrderService::tick`] moves on, and claims that it ends.
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
    time_left: Box<dyn Fn() -> Option<Duration> + Send + Sync>,
}

impl OrderService {
    /// Creates the service on what a checkout needs, with a source of unique ids, and with what knows how much time the
    /// current request has: `None` if it has no deadline.
    pub fn new(
        parts: CheckoutParts,
        strategy: CheckoutStrategy,
        idempotency: Idempotency,
        ids: impl Fn() -> OrderId + Send + Sync + 'static,
        time_left: impl Fn() -> Option<Duration> + Send + Sync + 'static,
    ) -> Self {
        Self { parts, strategy, idempotency, ids: Box::new(ids), time_left: Box::new(time_left) }
    }

    /// Sends again what sagas wait for in vain, compensates or parks them; and ends checkouts that nobody repeats. Returns how
    /// many it moved on. To be called now and then, by any number of processes.
    ///
    /// The control `dual-write` has nothing that does this.
    pub async fn tick(&self) -> Result<usize, OrderError> {
        match self.strategy {
            CheckoutStrategy::DualWrite(_) => Ok(0),
            CheckoutStrategy::Saga | CheckoutStrategy::ChargeFirst => self.resume().await,
            // Only here an attempt may leave something behind that is stored nowhere: a hold.
            CheckoutStrategy::Transaction(_) => {
                let (resumed, ended) = (self.resume().await, self.end_abandoned().await);
                Ok(resumed? + ended?)
            }
        }
    }

    async fn resume(&self) -> Result<usize, OrderError> {
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

    /// Refuses checkouts that ended without a reply and were not repeated, and has what they may hold given back.
    async fn end_abandoned(&self) -> Result<usize, OrderError> {
        let by = before(self.now(), ABANDONED_AFTER);
        let abandoned = self.parts.store.abandoned(by, MOST_DUE).await?;
        let (mut ended, mut failed) = (0, None);
        for Abandoned { key, order, total } in &abandoned {
            let command = PaymentCommand {
                key: CommandKey { order: *order, purpose: Purpose::Undo(Step::Authorise, 0) },
                amount: *total,
                action: PaymentAction::Void,
            };
            let (reply, command) = (Err(Refusal::TimedOut), Command::Payment(command));
            match self.parts.store.abandon(key, by, &reply, &command).await {
                Ok(is_ended) => ended += usize::from(is_ended),
                Err(error) => _ = failed.get_or_insert(error),
            }
        }
        failed.map_or(Ok(ended), |error| Err(error.into()))
    }

    /// Deletes some of the keys that are past their time, and of the replies that were taken so long ago that none comes
    /// again; returns how many. To be called now and then, by any number of processes.
    pub async fn forget(&self) -> Result<u64, Unavailable> {
        let now = self.now();
        self.parts.store.forget(now, kept_since(now), MOST_FORGOTTEN).await
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
            total: checkout.expected_total,
            now,
            until: now.plus((self.time_left)().map_or(CLAIMED_FOR, |left| left.min(CLAIMED_FOR))),
            forgotten_at: now.plus(REMEMBERED_FOR),
        };
        Ok((key, self.parts.store.claim(&claim).await?))
    }

    /// Runs an attempt. With an error comes what it may have left.
    async fn attempt(
        &self,
        checkout: &Checkout,
        key: RequestKey,
        order: OrderId,
    ) -> Result<CheckedOut, (OrderError, Left)> {
        let order = self.parts.order(checkout, order).await.map_err(|error| (error, Left::Nothing))?;
        let attempt = Attempt { key, order, token: checkout.token.clone() };
        let replied = self.parts.run(&self.strategy, &attempt).await;
        replied.and_then(|reply| reply.map_err(OrderError::from)).map_err(|error| (error, Left::PerhapsAHold))
    }

    async fn advance(
        &self,
        order: OrderId,
        reply: Option<TakenReply>,
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
        let (error, left) = match self.attempt(&checkout, key.clone(), order).await {
            Ok(checked_out) => return Ok(checked_out),
            Err(failed) => failed,
        };
        // Only what was stored is repeated. Anything else the next request with the key may try at once, with the same
        // order; if this fails too, it has to wait until the claim ends.
        let _: Result<(), Unavailable> = self.parts.store.release(&key, left, self.now()).await;
        Err(error)
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
        let sales = self.parts.store.sales(&products.0, MAX_SALES).await?;
        sales.map(Sales).ok_or(OrderError::TooManySales)
    }

    async fn sagas(&self, query: SagaQuery) -> Result<Sagas, OrderError> {
        if !(1..=MAX_SAGAS).contains(&query.limit) {
            return Err(OrderError::Limit);
        }
        Ok(Sagas(self.parts.store.sagas(&query, before(self.now(), LONGEST_WAIT)).await?))
    }

    async fn repair(&self, repair: RepairSaga) -> Result<Order, OrderError> {
        let now = self.now();
        self.change(repair.order, |purchase| purchase.repair(now).map(Some)).await
    }

    async fn reply(&self, reply: SagaReply) -> Result<Replied, OrderError> {
        let now = self.now();
        let order = reply.command.order;
        let taken = TakenReply { id: reply.id(), at: now };
        match self.advance(order, Some(taken), |purchase| purchase.on_reply(&reply, now)).await {
            // Participants reply to calls as well: a checkout may end before its order is stored.
            Ok(_) | Err(OrderError::NotFound { .. }) => Ok(Replied),
            Err(error) => Err(error),
        }
    }
}
