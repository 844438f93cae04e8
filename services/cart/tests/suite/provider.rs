//! A payment provider in memory, with books of its own, which has the faults that a test plans.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
};

use async_trait::async_trait;
use cart::{
    ChargeId, EventId, Money, OrderId, PaymentProvider, PaymentToken, Refusal,
    ports::{Answer, Charge, ChargeState},
};
use contract::Why;

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call does not arrive.
    CallLost,
    /// The call is done, and the reply does not arrive.
    ReplyLost,
    /// The call is done, and the reply never comes: the caller waits for as long as it has time.
    Silence,
    /// Nothing.
    None,
}

/// A charge in the provider's books.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) order: OrderId,
    pub(crate) state: ChargeState,
    pub(crate) amount: i64,
    pub(crate) captured: i64,
    pub(crate) refunded: i64,
}

#[derive(Default)]
struct Books {
    entries: Vec<Entry>,
    replies: BTreeMap<EventId, Answer<ChargeId>>,
    faults: VecDeque<Fault>,
    refuses_refunds: bool,
    is_silent: bool,
}

/// The provider.
#[derive(Default)]
pub(crate) struct Provider(Mutex<Books>);

impl Provider {
    /// The next calls have these faults.
    pub(crate) fn plan(&self, faults: &[Fault]) {
        self.0.lock().unwrap().faults.extend(faults);
    }

    pub(crate) fn refuse_refunds(&self, refuses: bool) {
        self.0.lock().unwrap().refuses_refunds = refuses;
    }

    /// Whether a call waits for a reply that never comes.
    pub(crate) fn is_silent(&self) -> bool {
        self.0.lock().unwrap().is_silent
    }

    /// From now on calls get replies again.
    pub(crate) fn speaks(&self) {
        self.0.lock().unwrap().is_silent = false;
    }

    /// Its books.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.lock().unwrap().entries.clone()
    }

    /// What all customers have paid, less what they were given back.
    pub(crate) fn taken(&self) -> i64 {
        self.entries().iter().map(|entry| entry.captured - entry.refunded).sum()
    }

    /// What is held and not taken.
    pub(crate) fn held(&self) -> i64 {
        let held = |entry: &&Entry| entry.state == ChargeState::Authorised;
        self.entries().iter().filter(held).map(|entry| entry.amount).sum()
    }

    /// The authorisations end.
    pub(crate) fn expire(&self) {
        for entry in &mut self.0.lock().unwrap().entries {
            if entry.state == ChargeState::Authorised {
                entry.state = ChargeState::Refused(Refusal::AuthorisationExpired);
            }
        }
    }

    /// What a charge would do on its own: the money is taken although nobody asked for it (any more).
    pub(crate) fn capture_by_itself(&self, order: OrderId) {
        let mut books = self.0.lock().unwrap();
        let entry = books.entries.iter_mut().find(|entry| entry.order == order).unwrap();
        (entry.state, entry.captured) = (ChargeState::Captured, entry.amount);
    }

    fn call(
        &self,
        key: EventId,
        act: impl FnOnce(&mut Books) -> Result<ChargeId, Refusal>,
    ) -> Answer<ChargeId> {
        let mut books = self.0.lock().unwrap();
        let fault = books.faults.pop_front().unwrap_or(Fault::None);
        if fault == Fault::CallLost {
            return Answer::Unknown(Why::Unreachable);
        }
        if !books.replies.contains_key(&key) {
            let answer = act(&mut books).map_or_else(Answer::Refused, Answer::Done);
            books.replies.insert(key, answer);
        }
        books.is_silent |= fault == Fault::Silence;
        if fault == Fault::ReplyLost { Answer::Unknown(Why::TimedOut) } else { books.replies[&key].clone() }
    }

    fn change(
        &self,
        key: EventId,
        charge: &ChargeId,
        act: impl FnOnce(&mut Entry) -> Result<(), Refusal>,
    ) -> Answer<()> {
        let index: usize = charge.as_str().parse().unwrap();
        match self.call(key, |books| act(&mut books.entries[index]).map(|()| charge.clone())) {
            Answer::Done(_) => Answer::Done(()),
            Answer::Refused(reason) => Answer::Refused(reason),
            Answer::Unknown(why) => Answer::Unknown(why),
        }
    }
}

fn id(index: usize) -> ChargeId {
    ChargeId::parse(index.to_string()).unwrap()
}

#[async_trait]
impl PaymentProvider for Provider {
    async fn authorise(
        &self,
        key: EventId,
        order: OrderId,
        amount: Money,
        token: &PaymentToken,
    ) -> Answer<ChargeId> {
        let answer = self.call(key, |books| {
            let reason = match token.as_str() {
                "declined" => Some(Refusal::PaymentDeclined),
                "insufficient-funds" => Some(Refusal::InsufficientFunds),
                _ => None,
            };
            let state = reason.map_or(ChargeState::Authorised, ChargeState::Refused);
            books.entries.push(Entry { order, state, amount: amount.minor, captured: 0, refunded: 0 });
            reason.map_or(Ok(id(books.entries.len() - 1)), Err)
        });
        if self.is_silent() {
            std::future::pending::<()>().await;
        }
        answer
    }

    async fn capture(&self, key: EventId, charge: &ChargeId, amount: Money) -> Answer<()> {
        self.change(key, charge, |entry| match entry.state {
            ChargeState::Authorised => {
                (entry.state, entry.captured) = (ChargeState::Captured, amount.minor);
                Ok(())
            }
            ChargeState::Captured | ChargeState::Voided => Err(Refusal::NothingPaid),
            ChargeState::Refused(reason) => Err(reason),
        })
    }

    async fn void(&self, key: EventId, charge: &ChargeId) -> Answer<()> {
        self.change(key, charge, |entry| {
            if entry.state != ChargeState::Authorised {
                return Err(Refusal::NothingPaid);
            }
            entry.state = ChargeState::Voided;
            Ok(())
        })
    }

    async fn refund(&self, key: EventId, charge: &ChargeId, amount: Money) -> Answer<()> {
        let refuses = self.0.lock().unwrap().refuses_refunds;
        self.change(key, charge, |entry| {
            if refuses || entry.refunded + amount.minor > entry.captured {
                return Err(Refusal::ExceedsPayment);
            }
            entry.refunded += amount.minor;
            Ok(())
        })
    }

    async fn find(&self, order: OrderId) -> Answer<Option<Charge>> {
        let entries = self.entries();
        let found = entries.iter().enumerate().rev().find(|(_, entry)| entry.order == order);
        Answer::Done(found.map(|(index, entry)| Charge { id: id(index), state: entry.state }))
    }
}
