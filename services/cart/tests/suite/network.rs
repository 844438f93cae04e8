//! One saga, its participants, and a network between them that a test has in its hands.

use std::collections::{BTreeMap, BTreeSet};

use cart::{
    CommandKey, Decision, EventId, Outcome, Purchase, Purpose, RefundId, Refusal, SagaReply, SagaState, Step,
    Undoing,
};
use contract::Timestamp;

use crate::support::{START, card, euro, order};

/// How participants treat a command that comes after its compensation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Memory {
    /// A compensation leaves a tombstone: a step that comes after it is refused.
    Tombstones,
    /// The step is taken, and the reply says so. Such a participant's replies have to arrive.
    Naive,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Message {
    Command(CommandKey),
    Reply(SagaReply),
}

/// What a test does with the network.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Delivers a message, which leaves the network.
    Deliver(usize),
    /// Delivers a message, and keeps a copy on its way.
    Repeat(usize),
    /// Loses a message.
    Lose(usize),
    /// Lets time pass until the timer is due.
    Wait,
    /// The customer cancels.
    Cancel,
}

/// The world of one checkout.
pub(crate) struct Network {
    pub(crate) purchase: Purchase,
    now: Timestamp,
    on_its_way: Vec<Message>,
    /// The replies of each participant by the ids of the commands: its inbox.
    inbox: BTreeMap<EventId, Outcome>,
    /// The steps that have an effect now.
    effects: BTreeSet<Step>,
    /// The steps whose compensation has come.
    undone: BTreeSet<Step>,
    /// The steps that are refused, and the compensations that are.
    refuses: BTreeSet<Step>,
    never_undoes: BTreeSet<Step>,
    memory: Memory,
}

impl Network {
    pub(crate) fn new(total: i64, has_voucher: bool, memory: Memory) -> Self {
        let begun = Purchase::begin(order(total, has_voucher), card(), START);
        let mut network = Self {
            purchase: begun.purchase.clone(),
            now: START,
            on_its_way: Vec::new(),
            inbox: BTreeMap::new(),
            effects: BTreeSet::new(),
            undone: BTreeSet::new(),
            refuses: BTreeSet::new(),
            never_undoes: BTreeSet::new(),
            memory,
        };
        network.store(begun);
        network
    }

    /// These steps are refused, and the compensations of those steps.
    pub(crate) fn refusing(mut self, steps: &[Step], compensations: &[Step]) -> Self {
        self.refuses.extend(steps);
        self.never_undoes.extend(compensations);
        self
    }

    pub(crate) fn state(&self) -> SagaState {
        self.purchase.saga.state
    }

    pub(crate) fn effects(&self) -> Vec<Step> {
        self.effects.iter().copied().collect()
    }

    /// The commands on their way.
    pub(crate) fn commands(&self) -> Vec<Purpose> {
        let command = |message: &Message| match message {
            Message::Command(key) => Some(key.purpose),
            Message::Reply(_) => None,
        };
        self.on_its_way.iter().filter_map(command).collect()
    }

    fn store(&mut self, decision: Decision) {
        assert!(decision.commands.iter().all(|command| command.key().order == decision.purchase.order.id));
        self.on_its_way.extend(decision.commands.iter().map(|command| Message::Command(command.key())));
        self.purchase = decision.purchase;
    }

    pub(crate) fn act(&mut self, action: &Action) {
        let count = self.on_its_way.len();
        match action {
            Action::Wait => self.wait(),
            Action::Cancel => self.cancel(),
            Action::Deliver(_) | Action::Repeat(_) | Action::Lose(_) if count == 0 => {}
            Action::Deliver(index) => {
                let message = self.on_its_way.swap_remove(index % count);
                self.deliver(message);
            }
            Action::Repeat(index) => self.deliver(self.on_its_way[index % count]),
            Action::Lose(index) => self.lose(index % count),
        }
    }

    fn lose(&mut self, index: usize) {
        let is_reply = matches!(self.on_its_way[index], Message::Reply(_));
        if self.memory == Memory::Tombstones || !is_reply {
            self.on_its_way.swap_remove(index);
        }
    }

    pub(crate) fn wait(&mut self) {
        self.now = self.now.max(self.purchase.due());
        if let Some(decision) = self.purchase.on_timer(self.now) {
            self.store(decision);
        }
    }

    pub(crate) fn cancel(&mut self) {
        if let Some(decision) = self.purchase.cancel(self.now).unwrap() {
            self.store(decision);
        }
    }

    pub(crate) fn refund(&mut self, id: u128, minor: i64) {
        let decision = self.purchase.refund(RefundId(id), euro(minor), self.now).unwrap();
        self.store(decision.unwrap());
    }

    pub(crate) fn repair(&mut self) {
        let decision = self.purchase.repair(self.now).unwrap();
        self.store(decision);
    }

    pub(crate) fn heal(&mut self) {
        self.never_undoes.clear();
        self.inbox.retain(|_, outcome| *outcome == Outcome::Done);
    }

    pub(crate) fn deliver(&mut self, message: Message) {
        match message {
            Message::Command(key) => {
                let outcome = self.perform(key);
                self.on_its_way.push(Message::Reply(SagaReply { command: key, outcome }));
            }
            Message::Reply(reply) => {
                if let Some(decision) = self.purchase.on_reply(&reply, self.now) {
                    self.store(decision);
                }
                assert_eq!(self.purchase.on_reply(&reply, self.now), None, "{reply:?} again changes nothing");
            }
        }
    }

    /// What a participant does, once.
    fn perform(&mut self, key: CommandKey) -> Outcome {
        if let Some(outcome) = self.inbox.get(&key.id()) {
            return *outcome;
        }
        let outcome = match key.purpose {
            Purpose::Do(step) => self.take(step),
            Purpose::Undo(step, _) => self.undo(step),
            Purpose::Refund(_) => Outcome::Done,
        };
        self.inbox.insert(key.id(), outcome);
        outcome
    }

    fn take(&mut self, step: Step) -> Outcome {
        let is_undone = self.undone.contains(&step.spec().undone_with);
        if self.refuses.contains(&step) || is_undone && self.memory == Memory::Tombstones {
            return Outcome::Refused(Refusal::PaymentDeclined);
        }
        self.effects.insert(step);
        Outcome::Done
    }

    fn undo(&mut self, step: Step) -> Outcome {
        if self.never_undoes.contains(&step) {
            return Outcome::Refused(Refusal::NothingPaid);
        }
        self.undone.insert(step);
        self.effects.retain(|effect| effect.spec().undone_with != step);
        Outcome::Done
    }

    /// From now on everything arrives, and time passes, until nothing happens any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..1_000 {
            if self.on_its_way.is_empty() && !self.purchase.is_running() {
                return;
            }
            if self.on_its_way.is_empty() {
                self.wait();
            } else {
                self.act(&Action::Deliver(0));
            }
        }
        panic!("the saga does not end: {:?}", self.purchase.saga);
    }

    /// Every effect is wanted, or compensated, or known to have failed.
    pub(crate) fn check(&self) {
        let steps = self.purchase.saga.steps.iter().map(|step| step.step);
        match self.state() {
            SagaState::Done => assert_eq!(self.effects(), steps.collect::<Vec<_>>()),
            SagaState::Compensated => assert_eq!(self.effects(), []),
            // Everything before the pivot and the pivot itself is taken; the last step is, or will be, or was never heard of.
            SagaState::ParkedForward => assert!(self.effects.contains(&Step::Reserve)),
            SagaState::ParkedBackward => {
                let failed = self.purchase.saga.steps.iter().filter(|step| step.undoing == Undoing::Failed);
                let failed: Vec<_> = failed.map(|step| step.step).collect();
                assert!(!failed.is_empty());
                let is_known = |effect: &Step| failed.contains(&effect.spec().undone_with);
                assert!(self.effects.iter().all(is_known), "{:?} of {failed:?}", self.effects);
            }
            SagaState::Forward | SagaState::Backward => panic!("{:?} is no end", self.purchase.saga),
        }
    }
}
