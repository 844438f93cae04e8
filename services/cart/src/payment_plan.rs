//! What to do next about a payment: pure decisions, between which the service calls the provider.
//!
//! Before each call the payment is stored as being in it. Whoever finds it so does not know how the call ended, and makes
//! the same call with the same key: the provider says what became of the first one. Only then is anything else decided, so
//! that no hold is forgotten because the reply to it was lost.

use crate::{
    EventId, Money, OrderId, Outcome, Payment, PaymentAction, PaymentRefund, PaymentState, RefundId,
    RefundState, Refusal,
    ports::{Charge, ChargeState},
};

/// The next thing to do for a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// The command has ended.
    Reply(Outcome),
    /// The provider has to be called.
    Call(Call),
}

/// A call of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// Hold the amount.
    Authorise,
    /// Take what is held.
    Capture,
    /// Hold it no more.
    Void,
    /// Give a part back.
    Refund(RefundId, Money),
}

/// What a call has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Observed {
    /// The charge is so.
    Charge(Charge),
    /// There is no charge, and never will be.
    Declined(Refusal),
    /// The refund has ended so.
    Refund(RefundId, RefundState),
}

impl Call {
    /// The key of the call: the same whoever makes it, and whenever.
    pub(crate) fn key(&self, order: OrderId) -> EventId {
        match self {
            Self::Authorise => EventId::of("authorise", &[order.0]),
            Self::Capture => EventId::of("capture", &[order.0]),
            Self::Void => EventId::of("void", &[order.0]),
            Self::Refund(refund, _) => EventId::of("refund", &[order.0, refund.0]),
        }
    }
}

impl Payment {
    /// A payment of which nothing has happened.
    pub(crate) fn new(order: OrderId, amount: Money) -> Self {
        Self { order, amount, state: PaymentState::New, charge: None, is_closed: false, refunds: Vec::new() }
    }

    /// What to do next for a command; notes in the payment that it is about to be done.
    pub(crate) fn plan(&mut self, action: &PaymentAction, amount: Money) -> Plan {
        match action {
            PaymentAction::Authorise(_) => self.plan_authorise(amount),
            PaymentAction::Capture => self.plan_capture(),
            PaymentAction::Void => self.plan_void(),
            PaymentAction::Refund(id) => self.plan_refund(*id, amount),
        }
    }

    fn plan_authorise(&mut self, amount: Money) -> Plan {
        match self.state {
            _ if self.is_closed => refused(Refusal::Cancelled),
            PaymentState::New => {
                // A refund that came before its time has noted the payment with an amount of its own.
                (self.amount, self.state) = (amount, PaymentState::Authorising);
                Plan::Call(Call::Authorise)
            }
            PaymentState::Authorising => Plan::Call(Call::Authorise),
            PaymentState::Authorised | PaymentState::Capturing | PaymentState::Captured => DONE,
            PaymentState::Refused(reason) => refused(reason),
            PaymentState::Voided => refused(Refusal::Cancelled),
        }
    }

    fn plan_capture(&mut self) -> Plan {
        match self.state {
            _ if self.is_closed => refused(Refusal::Cancelled),
            PaymentState::New | PaymentState::Authorising => refused(Refusal::NothingPaid),
            PaymentState::Authorised | PaymentState::Capturing => {
                self.state = PaymentState::Capturing;
                Plan::Call(Call::Capture)
            }
            PaymentState::Captured => DONE,
            PaymentState::Refused(reason) => refused(reason),
            PaymentState::Voided => refused(Refusal::Cancelled),
        }
    }

    /// Closes the payment for good, and gives back whatever there is.
    fn plan_void(&mut self) -> Plan {
        self.is_closed = true;
        if let Some(pending) = self.refunds.iter().find(|refund| refund.state == RefundState::Pending) {
            return Plan::Call(Call::Refund(pending.id, pending.amount));
        }
        match self.state {
            PaymentState::New | PaymentState::Refused(_) | PaymentState::Voided => DONE,
            // Whether something is held shows when the call that was in flight has ended.
            PaymentState::Authorising => Plan::Call(Call::Authorise),
            PaymentState::Authorised | PaymentState::Capturing => Plan::Call(Call::Void),
            PaymentState::Captured => self.plan_give_back(),
        }
    }

    /// Gives back what is left of the payment, as a refund of its own: each attempt has another id.
    fn plan_give_back(&mut self) -> Plan {
        let Ok(left) = self.refunded().and_then(|refunded| self.amount.minus(refunded)) else {
            return refused(Refusal::ExceedsPayment);
        };
        if left.minor <= 0 {
            return DONE;
        }
        let id = self.give_back_id(self.refunds.len());
        self.refunds.push(PaymentRefund { id, amount: left, state: RefundState::Pending });
        Plan::Call(Call::Refund(id, left))
    }

    fn plan_refund(&mut self, id: RefundId, amount: Money) -> Plan {
        if let Some(before) = self.refunds.iter().find(|refund| refund.id == id) {
            return match before.state {
                RefundState::Pending => Plan::Call(Call::Refund(id, before.amount)),
                RefundState::Done => DONE,
                RefundState::Refused(reason) => refused(reason),
            };
        }
        if self.is_closed {
            return refused(Refusal::Cancelled);
        }
        if self.state != PaymentState::Captured {
            return refused(Refusal::NothingPaid);
        }
        let refunded = self.refunded().and_then(|refunded| refunded.plus(amount));
        if !refunded.is_ok_and(|refunded| refunded.minor <= self.amount.minor) {
            return refused(Refusal::ExceedsPayment);
        }
        self.refunds.push(PaymentRefund { id, amount, state: RefundState::Pending });
        Plan::Call(Call::Refund(id, amount))
    }

    /// Notes what a call has shown. Returns the outcome of a command to void if nothing more can be done for it: the
    /// provider does not take what is left of the payment back.
    pub(crate) fn observe(&mut self, observed: Observed) -> Option<Outcome> {
        match observed {
            Observed::Charge(charge) => {
                self.update(&charge);
                None
            }
            Observed::Declined(reason) => {
                self.state = PaymentState::Refused(reason);
                None
            }
            Observed::Refund(id, state) => {
                let index = self.refunds.iter().position(|refund| refund.id == id)?;
                self.refunds[index].state = state;
                match state {
                    RefundState::Refused(reason) if id == self.give_back_id(index) => {
                        Some(Outcome::Refused(reason))
                    }
                    _ => None,
                }
            }
        }
    }

    /// Notes how the charge is. What the provider has as taken stays taken, in whatever order the news come.
    pub(crate) fn update(&mut self, charge: &Charge) {
        self.charge = Some(charge.id.clone());
        let is_open = !matches!(self.state, PaymentState::Captured | PaymentState::Voided);
        match charge.state {
            ChargeState::Captured => self.state = PaymentState::Captured,
            ChargeState::Authorised
                if matches!(self.state, PaymentState::New | PaymentState::Authorising) =>
            {
                self.state = PaymentState::Authorised;
            }
            ChargeState::Voided if is_open => self.state = PaymentState::Voided,
            ChargeState::Refused(reason) if is_open => self.state = PaymentState::Refused(reason),
            ChargeState::Authorised | ChargeState::Voided | ChargeState::Refused(_) => {}
        }
    }

    /// What was given back, or may have been.
    fn refunded(&self) -> Result<Money, crate::MoneyError> {
        let counts = |refund: &&PaymentRefund| !matches!(refund.state, RefundState::Refused(_));
        Money::sum(self.refunds.iter().filter(counts).map(|refund| refund.amount), self.amount.currency)
    }

    /// Whether there is money of a closed payment at the provider.
    pub(crate) fn is_to_give_back(&self) -> bool {
        let is_left = self.refunded().is_ok_and(|refunded| refunded.minor < self.amount.minor);
        self.is_closed
            && match self.state {
                PaymentState::Authorising | PaymentState::Authorised | PaymentState::Capturing => true,
                PaymentState::Captured => is_left,
                PaymentState::New | PaymentState::Refused(_) | PaymentState::Voided => false,
            }
    }

    fn give_back_id(&self, index: usize) -> RefundId {
        RefundId(EventId::of("give-back", &[self.order.0, index as u128]).0)
    }
}

const DONE: Plan = Plan::Reply(Outcome::Done);

fn refused(reason: Refusal) -> Plan {
    Plan::Reply(Outcome::Refused(reason))
}
