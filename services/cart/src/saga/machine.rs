//! What a reply, a timer and a person make of a saga. Pure functions: each takes a checkout and returns what one
//! transaction stores, or `None` if nothing changes.
//!
//! Three rules keep every effect either wanted or compensated:
//! a step that was sent counts as taken until it is known to be refused;
//! a compensation that fails holds up no other one;
//! and a step that turns out to be taken after its compensation was sent is compensated once more, with a new id.

use contract::Timestamp;

use super::{Decision, Doing, Purchase, SENDS, SagaState, Undoing, draft::Draft};
use crate::{
    MAX_REFUNDS, Money, Order, OrderNews, Outcome, PaymentToken, Purpose, Refund, RefundId, RefundState,
    Refusal, SagaReply, Status, Step,
};

/// The order was shipped: it can be refunded and not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the order was shipped")]
pub struct CancelError;

/// The order is not paid, or its checkout is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only a paid order is shipped")]
pub struct ShipError;

/// The saga does not wait for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the saga is not parked")]
pub struct RepairError;

/// The reasons why a refund cannot be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundFault {
    /// The order is not paid, or was cancelled.
    #[error("only a paid order is refunded")]
    NotPaid,
    /// Nothing, or less.
    #[error("a refund is at least one minor unit")]
    Amount,
    /// Another currency, or more than what is left of the payment.
    #[error("a refund is at most what is left of the payment, in its currency")]
    ExceedsPayment,
    /// More than [`MAX_REFUNDS`].
    #[error("an order has at most {MAX_REFUNDS} refunds")]
    TooMany,
    /// The id was used for another amount.
    #[error("the refund's id was used for another amount")]
    Reused,
}

impl Purchase {
    /// A checkout whose saga begins: its first command is sent.
    pub fn begin(order: Order, token: PaymentToken, now: Timestamp) -> Decision {
        let mut draft = Draft::made(order, token, now);
        draft.proceed();
        draft.decision
    }

    /// A checkout whose goods were given away and whose voucher was used in the transaction that stores it, and whose money
    /// is held: it has to be captured.
    pub fn placed(order: Order, token: PaymentToken, now: Timestamp) -> Decision {
        let mut draft = Draft::made(order, token, now);
        for step in &mut draft.saga().steps {
            if step.step != Step::Capture {
                step.doing = Doing::Done;
            }
        }
        draft.place();
        draft.proceed();
        draft.decision
    }

    /// A checkout that is refused in the transaction that stores it. If money is held for it, it goes back.
    pub fn refused(
        order: Order,
        token: PaymentToken,
        reason: Refusal,
        is_held: bool,
        now: Timestamp,
    ) -> Decision {
        let mut draft = Draft::made(order, token, now);
        if let Some(step) = draft.saga().step(Step::Authorise).filter(|_| is_held) {
            step.doing = Doing::Done;
        }
        draft.turn_back(reason);
        // The client has the refusal as a reply, and the cart stays as it is.
        draft.decision.events.clear();
        draft.decision
    }

    /// A checkout every step of which was taken by calls.
    pub fn taken(order: Order, token: PaymentToken, now: Timestamp) -> Decision {
        let mut draft = Draft::made(order, token, now);
        draft.saga().steps.iter_mut().for_each(|step| step.doing = Doing::Done);
        draft.place();
        draft.proceed();
        draft.decision
    }

    /// Takes a reply of a participant. Replies that come again or late, and those to other commands than were sent, change
    /// nothing, unless they say that a compensated step was taken after all.
    pub fn on_reply(&self, reply: &SagaReply, now: Timestamp) -> Option<Decision> {
        if reply.command.order != self.order.id {
            return None;
        }
        let mut draft = Draft::of(self, now);
        let changed = match (reply.command.purpose, reply.outcome) {
            (Purpose::Do(step), Outcome::Done) => draft.taken(step),
            (Purpose::Do(step), Outcome::Refused(reason)) => draft.refused(step, reason),
            (Purpose::Undo(step, round), outcome) => draft.undone(step, round, outcome),
            (Purpose::Refund(id), outcome) => draft.refunded(id, outcome),
        };
        changed.then_some(draft.decision)
    }

    /// Sends the current command again if its reply is due, and those of refunds; after [`SENDS`] attempts gives each up.
    pub fn on_timer(&self, now: Timestamp) -> Option<Decision> {
        let mut draft = Draft::of(self, now);
        let is_due = self.saga.state.is_running() && self.saga.due <= now;
        let step = self.saga.current().filter(|_| is_due);
        if let Some(step) = step {
            self.insist_on(step, &mut draft);
        }
        let is_changed = draft.insist_on_refunds() || step.is_some();
        is_changed.then_some(draft.decision)
    }

    fn insist_on(&self, step: Step, draft: &mut Draft) {
        if self.saga.sent < SENDS {
            draft.send(step);
        } else if self.saga.state != SagaState::Forward {
            draft.fail(step);
        } else if is_behind_pivot(step) {
            draft.saga().state = SagaState::ParkedForward;
        } else {
            draft.turn_back(Refusal::TimedOut);
        }
    }

    /// Cancels the order: everything that was done, or may have been, is compensated.
    pub fn cancel(&self, now: Timestamp) -> Result<Option<Decision>, CancelError> {
        match self.order.status {
            Status::Shipped => Err(CancelError),
            Status::Cancelled => Ok(None),
            Status::Pending | Status::Placed | Status::Paid => {
                let mut draft = Draft::of(self, now);
                draft.turn_back(Refusal::Cancelled);
                Ok(Some(draft.decision))
            }
        }
    }

    /// Notes that the goods are on their way.
    pub fn ship(&self, now: Timestamp) -> Result<Option<Decision>, ShipError> {
        match self.order.status {
            Status::Shipped => Ok(None),
            Status::Paid if self.saga.state == SagaState::Done => {
                let mut draft = Draft::of(self, now);
                draft.order().status = Status::Shipped;
                draft.tell(OrderNews::Shipped);
                Ok(Some(draft.decision))
            }
            _ => Err(ShipError),
        }
    }

    /// Requests a refund; the same one again changes nothing.
    pub fn refund(
        &self,
        id: RefundId,
        amount: Money,
        now: Timestamp,
    ) -> Result<Option<Decision>, RefundFault> {
        if let Some(before) = self.order.refunds.iter().find(|refund| refund.id == id) {
            return if before.amount == amount { Ok(None) } else { Err(RefundFault::Reused) };
        }
        self.check_refund(amount)?;
        let mut draft = Draft::of(self, now);
        draft.order().refunds.push(Refund { id, amount, state: RefundState::Pending });
        draft.request_refund(id);
        Ok(Some(draft.decision))
    }

    /// Sends again what a parked saga waits for: the current step, or the compensations that failed, with new ids; and the
    /// refunds that were given up.
    pub fn repair(&self, now: Timestamp) -> Result<Decision, RepairError> {
        let mut draft = Draft::of(self, now);
        let has_refunds = draft.repair_refunds();
        match self.saga.state {
            SagaState::ParkedForward => draft.resume(SagaState::Forward),
            SagaState::ParkedBackward => {
                for step in draft.saga().steps.iter_mut().filter(|step| step.undoing == Undoing::Failed) {
                    (step.undoing, step.round) = (Undoing::Waiting, step.round + 1);
                }
                draft.resume(SagaState::Backward);
            }
            _ if !has_refunds => return Err(RepairError),
            _ => {}
        }
        Ok(draft.decision)
    }

    fn check_refund(&self, amount: Money) -> Result<(), RefundFault> {
        if !matches!(self.order.status, Status::Paid | Status::Shipped) {
            return Err(RefundFault::NotPaid);
        }
        if amount.minor <= 0 {
            return Err(RefundFault::Amount);
        }
        if self.order.refunds.len() >= MAX_REFUNDS {
            return Err(RefundFault::TooMany);
        }
        let refunded = self.order.refunded().and_then(|refunded| refunded.plus(amount));
        let left = refunded.and_then(|refunded| self.order.total.minus(refunded));
        if left.is_ok_and(|left| left.minor >= 0) { Ok(()) } else { Err(RefundFault::ExceedsPayment) }
    }
}

fn is_behind_pivot(step: Step) -> bool {
    Step::ALL.into_iter().any(|pivot| pivot.spec().is_pivot && pivot < step)
}
