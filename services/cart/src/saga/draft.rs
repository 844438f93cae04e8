//! A transaction in the making: the steps that the functions of `machine` are made of.

use std::time::Duration;

use contract::Timestamp;

use super::{
    Decision, Doing, FIRST_WAIT, LONGEST_WAIT, Purchase, Refunding, SENDS, Saga, SagaState, StepProgress,
    Undoing,
};
use crate::{
    Order, OrderNews, Outcome, PaymentToken, Purpose, Refund, RefundId, RefundState, Refusal, Status, Step,
};

/// A transaction in the making.
pub(super) struct Draft {
    pub(super) decision: Decision,
    now: Timestamp,
    /// Where the saga was going, and what its timer watched.
    watched: (SagaState, Option<Step>),
}

impl Draft {
    pub(super) fn of(purchase: &Purchase, now: Timestamp) -> Self {
        let (commands, events) = (Vec::new(), Vec::new());
        let watched = (purchase.saga.state, purchase.saga.current());
        Self {
            decision: Decision { purchase: purchase.clone(), commands, events, is_sale: false },
            now,
            watched,
        }
    }

    pub(super) fn made(order: Order, token: PaymentToken, now: Timestamp) -> Self {
        let saga = Saga::new(&order, now);
        let mut draft = Self::of(&Purchase { order, token, saga, refunding: Vec::new() }, now);
        let lines = draft.order().ordered();
        draft.tell(OrderNews::Made(lines));
        draft
    }

    pub(super) fn order(&mut self) -> &mut Order {
        &mut self.decision.purchase.order
    }

    pub(super) fn saga(&mut self) -> &mut Saga {
        &mut self.decision.purchase.saga
    }

    pub(super) fn tell(&mut self, news: OrderNews) {
        let event = self.decision.purchase.order.event(news, self.now);
        self.decision.events.push(event);
    }

    pub(super) fn command(&mut self, purpose: Purpose) {
        let command = self.decision.purchase.command(purpose);
        self.decision.commands.push(command);
    }

    /// A participant took a step. Returns whether that changes anything.
    pub(super) fn taken(&mut self, step: Step) -> bool {
        match self.saga().step(step) {
            Some(progress) if matches!(progress.doing, Doing::Sent | Doing::Refused) => {
                progress.doing = Doing::Done;
            }
            _ => return false,
        }
        if self.saga().state.is_forward() {
            self.note_status(step);
            self.resume(SagaState::Forward);
        } else {
            self.undo_again(step.spec().undone_with);
        }
        true
    }

    /// A participant refused a step. Returns whether that changes anything.
    pub(super) fn refused(&mut self, step: Step, reason: Refusal) -> bool {
        match self.saga().step(step) {
            Some(progress) if progress.doing == Doing::Sent => progress.doing = Doing::Refused,
            _ => return false,
        }
        if self.saga().state.is_forward() {
            self.turn_back(reason);
        } else {
            self.proceed();
        }
        true
    }

    /// A participant replied to a compensation. Returns whether that changes anything.
    pub(super) fn undone(&mut self, step: Step, round: u32, outcome: Outcome) -> bool {
        match self.saga().step(step) {
            Some(progress)
                if progress.round == round && matches!(progress.undoing, Undoing::Sent | Undoing::Failed) =>
            {
                let undoing = if outcome == Outcome::Done { Undoing::Done } else { Undoing::Failed };
                let is_new = progress.undoing != undoing;
                progress.undoing = undoing;
                if is_new {
                    self.proceed();
                }
                is_new
            }
            _ => false,
        }
    }

    /// A payment replied to a refund. Returns whether that changes anything.
    pub(super) fn refunded(&mut self, id: RefundId, outcome: Outcome) -> bool {
        let pending = |refund: &&mut Refund| refund.id == id && refund.state == RefundState::Pending;
        let Some(refund) = self.order().refunds.iter_mut().find(pending) else { return false };
        match outcome {
            Outcome::Refused(reason) => refund.state = RefundState::Refused(reason),
            Outcome::Done => {
                refund.state = RefundState::Done;
                let amount = refund.amount;
                self.tell(OrderNews::Refunded(id, amount));
            }
        }
        self.refunding().retain(|refund| refund.id != id);
        true
    }

    /// The refunds whose replies are missing.
    pub(super) fn refunding(&mut self) -> &mut Vec<Refunding> {
        &mut self.decision.purchase.refunding
    }

    /// Sends the command of a refund for the first time.
    pub(super) fn request_refund(&mut self, id: RefundId) {
        let due = self.now.plus(wait(0));
        self.refunding().push(Refunding { id, sent: 1, due, is_parked: false });
        self.command(Purpose::Refund(id));
    }

    /// Sends the commands of refunds again whose replies are due; one that was sent [`SENDS`] times waits for a person.
    pub(super) fn insist_on_refunds(&mut self) -> bool {
        let now = self.now;
        let mut due = Vec::new();
        for refund in self.refunding().iter_mut().filter(|refund| !refund.is_parked && refund.due <= now) {
            if refund.sent < SENDS {
                (refund.sent, refund.due) = (refund.sent + 1, now.plus(wait(refund.sent)));
            } else {
                refund.is_parked = true;
            }
            due.push(*refund);
        }
        for refund in due.iter().filter(|refund| !refund.is_parked) {
            self.command(Purpose::Refund(refund.id));
        }
        !due.is_empty()
    }

    /// Has the refunds that wait for a person tried again, with the ids that they had. Returns whether there are any.
    pub(super) fn repair_refunds(&mut self) -> bool {
        let (parked, running): (Vec<_>, Vec<_>) =
            self.refunding().drain(..).partition(|refund| refund.is_parked);
        *self.refunding() = running;
        for refund in &parked {
            self.request_refund(refund.id);
        }
        !parked.is_empty()
    }

    fn note_status(&mut self, step: Step) {
        match step {
            Step::Authorise => self.place(),
            Step::Capture => self.pay(),
            Step::Reserve | Step::Redeem | Step::Commit => {}
        }
    }

    pub(super) fn place(&mut self) {
        if self.order().status == Status::Pending {
            self.order().status = Status::Placed;
            self.decision.is_sale = true;
        }
    }

    fn pay(&mut self) {
        if matches!(self.order().status, Status::Pending | Status::Placed) {
            self.place();
            self.order().status = Status::Paid;
            let lines = self.order().ordered();
            self.tell(OrderNews::Paid(lines));
        }
    }

    pub(super) fn turn_back(&mut self, reason: Refusal) {
        self.order().status = Status::Cancelled;
        self.order().reason = Some(reason);
        self.tell(OrderNews::Cancelled(reason));
        self.resume(SagaState::Backward);
    }

    /// A step was taken after the saga had turned back. If its compensation is still to come, that is enough.
    fn undo_again(&mut self, step: Step) {
        if let Some(progress) = self.saga().step(step)
            && progress.undoing != Undoing::Waiting
        {
            (progress.undoing, progress.round) = (Undoing::Waiting, progress.round + 1);
        }
        self.resume(SagaState::Backward);
    }

    /// A compensation stays without a reply: the others go on.
    pub(super) fn fail(&mut self, step: Step) {
        if let Some(progress) = self.saga().step(step) {
            progress.undoing = Undoing::Failed;
        }
        self.proceed();
    }

    pub(super) fn resume(&mut self, state: SagaState) {
        self.saga().state = state;
        self.proceed();
    }

    /// Sends the command of the current step, unless the timer watches it already; without a current step the saga ends.
    pub(super) fn proceed(&mut self) {
        let (state, current) = (self.saga().state, self.saga().current());
        match current {
            _ if !state.is_running() => self.end_parked(),
            None => self.end(),
            Some(step) if self.watched != (state, current) || !self.is_sent(step) => {
                self.saga().sent = 0;
                self.send(step);
            }
            Some(_) => {}
        }
    }

    fn is_sent(&mut self, step: Step) -> bool {
        let is_forward = self.saga().state == SagaState::Forward;
        let is_sent = |step: &mut StepProgress| {
            if is_forward { step.doing == Doing::Sent } else { step.undoing == Undoing::Sent }
        };
        self.saga().step(step).is_some_and(is_sent)
    }

    /// Sends the command of a step, for the first time or again.
    pub(super) fn send(&mut self, step: Step) {
        let is_forward = self.saga().state == SagaState::Forward;
        let Some(progress) = self.saga().step(step) else { return };
        let purpose = if is_forward {
            progress.doing = Doing::Sent;
            Purpose::Do(step)
        } else {
            progress.undoing = Undoing::Sent;
            Purpose::Undo(step, progress.round)
        };
        let now = self.now;
        let saga = self.saga();
        (saga.sent, saga.due) = (saga.sent + 1, now.plus(wait(saga.sent)));
        self.command(purpose);
    }

    fn end(&mut self) {
        if self.saga().state == SagaState::Forward {
            self.settle(SagaState::Done);
            // An order that costs nothing has no other moment at which it is paid.
            self.pay();
        } else {
            self.saga().state = SagaState::ParkedBackward;
            self.end_parked();
        }
    }

    /// A saga that has turned back is parked as long as a compensation has failed.
    fn end_parked(&mut self) {
        let saga = self.saga();
        let has_failed = saga.steps.iter().any(|step| step.undoing == Undoing::Failed);
        if saga.state == SagaState::ParkedBackward && !has_failed {
            self.settle(SagaState::Compensated);
        }
    }

    fn settle(&mut self, state: SagaState) {
        self.saga().state = state;
        let now = self.now;
        self.order().settled_at.get_or_insert(now);
    }
}

/// How long a reply may take to a command that was sent so often before.
fn wait(sent: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << sent.min(SENDS)).min(LONGEST_WAIT)
}
