//! The logic of the component `payments`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Clock, Unavailable, Why};

use crate::{
    ChargeId, CommandKey, Money, OrderId, Outcome, Payment, PaymentAction, PaymentCommand, PaymentError,
    Payments, RefundState, SagaReply, Webhook,
    payment_plan::{Call, Observed, Plan},
    ports::{
        Answer, Charge, ChargeState, MOST_FORGOTTEN, PaymentProvider, PaymentStore, Settled, StoredPayment,
        kept_since,
    },
};

/// Calls of the provider, and changes by others, that one command goes through.
const ROUNDS: u32 = 8;

/// Takes money through a provider, and gives it back.
pub struct PaymentService {
    store: Arc<dyn PaymentStore>,
    provider: Arc<dyn PaymentProvider>,
    clock: Arc<dyn Clock>,
}

/// A command, or the same without anybody who waits for a reply.
struct Task<'a> {
    order: OrderId,
    amount: Money,
    action: &'a PaymentAction,
    command: Option<CommandKey>,
}

impl PaymentService {
    /// Creates the service on a store, a provider and a clock.
    pub fn new(
        store: Arc<dyn PaymentStore>,
        provider: Arc<dyn PaymentProvider>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, provider, clock }
    }

    /// Deletes some of the commands that were performed so long ago that none comes again; returns how many. To be called
    /// now and then, by any number of processes.
    pub async fn forget(&self) -> Result<u64, Unavailable> {
        self.store.forget(kept_since(self.clock.now()), MOST_FORGOTTEN).await
    }

    /// Plans, calls, notes what the call has shown, and plans again, until the command has an outcome.
    async fn run(&self, task: &Task<'_>) -> Result<Outcome, Unavailable> {
        for _ in 0..ROUNDS {
            if let Some(outcome) = self.outcome_before(task).await? {
                return Ok(outcome);
            }
            if let Some(outcome) = self.round(task).await? {
                return Ok(outcome);
            }
        }
        Err(Unavailable::new("payments", Why::Overloaded))
    }

    /// The outcome of the command, if it was performed before; its reply is sent again.
    async fn outcome_before(&self, task: &Task<'_>) -> Result<Option<Outcome>, Unavailable> {
        let Some(command) = task.command else { return Ok(None) };
        let Some(outcome) = self.store.outcome(command.id()).await? else { return Ok(None) };
        self.store.reply_again(&SagaReply { command, outcome }, self.clock.now()).await?;
        Ok(Some(outcome))
    }

    /// At most one call of the provider. Returns the outcome, or `None` if there is more to do.
    async fn round(&self, task: &Task<'_>) -> Result<Option<Outcome>, Unavailable> {
        let mut stored = self.find(task).await?;
        let before = stored.clone();
        let call = match stored.payment.plan(task.action, task.amount) {
            Plan::Reply(outcome) => return self.settle(&stored, task, outcome).await,
            Plan::Call(call) => call,
        };
        if stored != before {
            if self.store.store(&stored, None, self.clock.now()).await? == Settled::Changed {
                return Ok(None);
            }
            stored.version += 1;
        }
        let observed = self.call(&stored, call).await?;
        if let Some(outcome) = stored.payment.observe(observed) {
            return self.settle(&stored, task, outcome).await;
        }
        // What the next round would decide first, for which nothing has to be called, is stored together with what the call has shown.
        let mut next = stored.clone();
        match next.payment.plan(task.action, task.amount) {
            Plan::Reply(outcome) => self.settle(&next, task, outcome).await,
            Plan::Call(_) => {
                // If another was faster, the next round finds what that one has made of it.
                self.store.store(&stored, None, self.clock.now()).await?;
                Ok(None)
            }
        }
    }

    /// The payment, or a new one. One that is stored because of a command that came before its time has no token yet.
    async fn find(&self, task: &Task<'_>) -> Result<StoredPayment, Unavailable> {
        let token = match task.action {
            PaymentAction::Authorise(token) => Some(token.clone()),
            PaymentAction::Capture | PaymentAction::Void | PaymentAction::Refund(_) => None,
        };
        let payment = || Payment::new(task.order, task.amount);
        let found = self.store.find(task.order).await?;
        let mut stored =
            found.unwrap_or_else(|| StoredPayment { payment: payment(), token: None, version: 0 });
        stored.token = stored.token.or(token);
        Ok(stored)
    }

    /// Stores an outcome with the payment; `None` if another was faster.
    async fn settle(
        &self,
        stored: &StoredPayment,
        task: &Task<'_>,
        outcome: Outcome,
    ) -> Result<Option<Outcome>, Unavailable> {
        let reply = task.command.map(|command| SagaReply { command, outcome });
        let settled = self.store.store(stored, reply.as_ref(), self.clock.now()).await?;
        Ok((settled == Settled::Stored).then_some(outcome))
    }

    /// Calls the provider, and says what that has shown of the payment.
    async fn call(&self, stored: &StoredPayment, call: Call) -> Result<Observed, Unavailable> {
        let StoredPayment { payment, token, .. } = stored;
        let key = call.key(payment.order);
        // A payment without a token was never authorised, and one without a charge never captured or refunded.
        let missing = || Unavailable::new("payments", Why::Broken);
        if call == Call::Authorise {
            let token = token.as_ref().ok_or_else(missing)?;
            return match self.provider.authorise(key, payment.order, payment.amount, token).await {
                Answer::Done(id) => Ok(Observed::Charge(Charge { id, state: ChargeState::Authorised })),
                Answer::Refused(reason) => Ok(Observed::Declined(reason)),
                Answer::Unknown(why) => Err(silent(why)),
            };
        }
        let charge = payment.charge.as_ref().ok_or_else(missing)?;
        let answer = match call {
            Call::Authorise | Call::Capture => self.provider.capture(key, charge, payment.amount).await,
            Call::Void => self.provider.void(key, charge).await,
            Call::Refund(_, amount) => self.provider.refund(key, charge, amount).await,
        };
        match (call, answer) {
            (_, Answer::Unknown(why)) => Err(silent(why)),
            (Call::Refund(id, _), Answer::Done(())) => Ok(Observed::Refund(id, RefundState::Done)),
            (Call::Refund(id, _), Answer::Refused(reason)) => {
                Ok(Observed::Refund(id, RefundState::Refused(reason)))
            }
            (Call::Void, Answer::Done(())) => Ok(charge_is(charge, ChargeState::Voided)),
            // It was captured after all, or the hold has ended: the provider knows which.
            (Call::Void, Answer::Refused(_)) => self.charge_now(payment.order).await,
            (Call::Authorise | Call::Capture, Answer::Done(())) => {
                Ok(charge_is(charge, ChargeState::Captured))
            }
            (Call::Authorise | Call::Capture, Answer::Refused(reason)) => {
                Ok(charge_is(charge, ChargeState::Refused(reason)))
            }
        }
    }

    async fn charge_now(&self, order: OrderId) -> Result<Observed, Unavailable> {
        match self.provider.find(order).await {
            Answer::Done(Some(charge)) if charge.state != ChargeState::Authorised => {
                Ok(Observed::Charge(charge))
            }
            Answer::Unknown(why) => Err(silent(why)),
            // It refuses to void what it shows as held: it is changing.
            Answer::Done(_) | Answer::Refused(_) => Err(silent(Why::TimedOut)),
        }
    }
}

#[async_trait]
impl Payments for PaymentService {
    async fn perform(&self, command: PaymentCommand) -> Result<SagaReply, PaymentError> {
        let PaymentCommand { key, amount, action } = &command;
        let is_paying = matches!(action, PaymentAction::Authorise(_) | PaymentAction::Refund(_));
        if is_paying && amount.minor < 1 {
            return Err(PaymentError::Amount);
        }
        let task = Task { order: key.order, amount: *amount, action, command: Some(*key) };
        let outcome = self.run(&task).await?;
        Ok(SagaReply { command: *key, outcome })
    }

    async fn payment(&self, order: OrderId) -> Result<Payment, PaymentError> {
        let found = self.store.find(order).await?;
        found.map(|stored| stored.payment).ok_or(PaymentError::NotFound { order })
    }

    async fn notify(&self, webhook: Webhook) -> Result<Payment, PaymentError> {
        let order = webhook.order;
        let mut stored = self.store.find(order).await?.ok_or(PaymentError::NotFound { order })?;
        let charge = match self.provider.find(order).await {
            Answer::Done(charge) => charge,
            Answer::Unknown(why) => return Err(silent(why).into()),
            Answer::Refused(_) => return Err(silent(Why::Misunderstood).into()),
        };
        let before = stored.clone();
        if let Some(charge) = charge {
            stored.payment.update(&charge);
        }
        if stored != before {
            // If another was faster, that one has just asked the provider.
            self.store.store(&stored, None, self.clock.now()).await?;
        }
        if stored.payment.is_to_give_back() {
            // It was charged after it had been cancelled.
            let amount = stored.payment.amount;
            let task = Task { order, amount, action: &PaymentAction::Void, command: None };
            self.run(&task).await?;
        }
        self.payment(order).await
    }
}

fn charge_is(id: &ChargeId, state: ChargeState) -> Observed {
    Observed::Charge(Charge { id: id.clone(), state })
}

fn silent(why: Why) -> Unavailable {
    Unavailable::new("provider", why)
}
