//! The saga of a checkout: its steps as a table, and where one checkout stands.
//!
//! A checkout across services has no transaction around it. It takes one step after the other, each a transaction of one
//! participant; if a step is refused or stays silent, the saga turns back and compensates what was done, or may have been,
//! in reverse order. (Garcia-Molina and Salem, "Sagas", SIGMOD 1987.)
//! The saga is stored in the same transaction as its next command, so that a process that is killed anywhere loses nothing:
//! its timer sends the command again, and the participant recognises it by its id.
//!
//! Read next: `machine`, what a reply and a timer make of a saga, and `draft`, what it does so with.

mod draft;
mod machine;

use std::time::Duration;

use contract::Timestamp;
pub use machine::{CancelError, RefundFault, RepairError, ShipError};
use serde::{Deserialize, Serialize};

use crate::{
    CommandKey, Order, OrderEvent, PaymentAction, PaymentCommand, PaymentToken, Purpose, RefundId, Step,
    StockAction, StockCommand, VoucherAction, VoucherCommand,
};

/// A step as the table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepSpec {
    /// The step.
    pub step: Step,
    /// The component that takes it.
    pub participant: &'static str,
    /// The command that takes it.
    pub command: &'static str,
    /// The command that compensates it.
    pub compensation: &'static str,
    /// The step whose compensation this is; a compensation of two steps is sent once for both.
    pub undone_with: Step,
    /// Whether the checkout will not turn back by itself after this step: from then on silence is met with patience,
    /// and only a refusal with compensation.
    pub is_pivot: bool,
}

/// The steps of a checkout, in order. Compensations run in reverse.
///
/// Without a voucher there is no `redeem`; an order that costs nothing has no payment.
pub const STEPS: &[StepSpec; 5] = &[
    spec(Step::Reserve, "stock", "reserve", "release", Step::Reserve),
    spec(Step::Redeem, "vouchers", "redeem", "restore", Step::Redeem),
    spec(Step::Authorise, "payments", "authorise", "void", Step::Authorise),
    StepSpec { is_pivot: true, ..spec(Step::Capture, "payments", "capture", "void", Step::Authorise) },
    spec(Step::Commit, "stock", "commit", "release", Step::Reserve),
];

const fn spec(
    step: Step,
    participant: &'static str,
    command: &'static str,
    compensation: &'static str,
    undone_with: Step,
) -> StepSpec {
    StepSpec { step, participant, command, compensation, undone_with, is_pivot: false }
}

impl Step {
    /// The step's row of [`STEPS`].
    pub fn spec(self) -> &'static StepSpec {
        &STEPS[self as usize]
    }
}

/// How often a command is sent, the first time included.
pub const SENDS: u32 = 6;
/// How long the first reply may take; the time doubles with each further attempt.
///
/// Longer than command and reply wait for full batches together, so that no command is sent twice because both are on their
/// way: `events=memory` has each of them wait for a second.
pub const FIRST_WAIT: Duration = Duration::from_secs(3);
/// The longest time that a reply may take.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// How long goods are reserved: longer than all steps together may take.
pub const RESERVED_FOR: Duration = Duration::from_mins(15);

/// A checkout: its order and its saga, stored together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// The order.
    pub order: Order,
    /// What stands for the card.
    pub token: PaymentToken,
    /// The saga.
    pub saga: Saga,
    /// The refunds whose replies are missing.
    #[serde(default)]
    pub refunding: Vec<Refunding>,
}

/// A refund that was requested, and whose reply is missing. It runs beside the saga, and has the same timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunding {
    /// The refund.
    pub id: RefundId,
    /// How often its command was sent.
    pub sent: u32,
    /// When its command is sent again, or given up.
    pub due: Timestamp,
    /// Whether it was given up, and waits for a person.
    pub is_parked: bool,
}

/// Where a checkout stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saga {
    /// Where it goes, or how it ended.
    pub state: SagaState,
    /// Its steps, in order.
    pub steps: Vec<StepProgress>,
    /// How often the current command was sent.
    pub sent: u32,
    /// When the current command is sent again, or given up.
    pub due: Timestamp,
}

/// Where a saga goes, or how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SagaState {
    /// It takes steps.
    Forward,
    /// It compensates steps.
    Backward,
    /// It stopped after the pivot, because a participant is silent: a person has to look, and [`Purchase::repair`] it.
    ParkedForward,
    /// It has compensated what it could; some compensations were refused, or stayed without a reply.
    ParkedBackward,
    /// Every step was taken.
    Done,
    /// Every step that was taken, or may have been, was compensated.
    Compensated,
}

impl SagaState {
    /// Whether the saga waits for a reply that its timer watches.
    pub fn is_running(self) -> bool {
        matches!(self, Self::Forward | Self::Backward)
    }

    /// Whether the saga waits for a person.
    pub fn is_parked(self) -> bool {
        matches!(self, Self::ParkedForward | Self::ParkedBackward)
    }

    /// Whether the saga has not turned back.
    fn is_forward(self) -> bool {
        matches!(self, Self::Forward | Self::ParkedForward | Self::Done)
    }
}

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepProgress {
    /// The step.
    pub step: Step,
    /// What is known of its command.
    pub doing: Doing,
    /// What is known of its compensation.
    pub undoing: Undoing,
    /// Tells one compensation of the step from the next.
    pub round: u32,
}

/// What is known of a step's command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doing {
    /// It was never sent.
    Waiting,
    /// It was sent: the step may be taken, now or later.
    Sent,
    /// The step is taken.
    Done,
    /// The step was refused.
    Refused,
}

/// What is known of a step's compensation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undoing {
    /// It was not sent, or not since the step was taken again.
    Waiting,
    /// It was sent.
    Sent,
    /// The step is compensated.
    Done,
    /// It was refused, or stayed without a reply.
    Failed,
}

/// What a transaction stores and publishes: the checkout as it is now, with its outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The checkout.
    pub purchase: Purchase,
    /// Commands to participants.
    pub commands: Vec<Command>,
    /// What happened to the order.
    pub events: Vec<OrderEvent>,
    /// Whether the order counts as a sale from now on: its money is held or taken for the first time.
    pub is_sale: bool,
}

/// A command to a participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// To the stock.
    Stock(StockCommand),
    /// To the vouchers.
    Voucher(VoucherCommand),
    /// To payments.
    Payment(PaymentCommand),
}

impl Command {
    /// Which command it is.
    pub fn key(&self) -> CommandKey {
        match self {
            Self::Stock(command) => command.key,
            Self::Voucher(command) => command.key,
            Self::Payment(command) => command.key,
        }
    }
}

impl Saga {
    /// A saga that has taken no step.
    fn new(order: &Order, now: Timestamp) -> Self {
        let is_needed = |step: &Step| match step {
            Step::Reserve | Step::Commit => true,
            Step::Redeem => order.voucher.is_some(),
            Step::Authorise | Step::Capture => order.total.minor > 0,
        };
        let waiting =
            |step| StepProgress { step, doing: Doing::Waiting, undoing: Undoing::Waiting, round: 0 };
        let steps = Step::ALL.into_iter().filter(is_needed).map(waiting).collect();
        Self { state: SagaState::Forward, steps, sent: 0, due: now }
    }

    /// The step whose reply the saga waits for; while it turns back, the one that it compensates.
    pub fn current(&self) -> Option<Step> {
        let current = match self.state {
            SagaState::Forward | SagaState::ParkedForward => self.steps.iter().find(|step| step.is_open()),
            SagaState::Backward => self.steps.iter().rev().find(|step| self.is_to_undo(**step)),
            SagaState::ParkedBackward | SagaState::Done | SagaState::Compensated => None,
        };
        current.map(|step| step.step)
    }

    /// Whether the step's compensation has to be sent, or was sent and has no reply.
    fn is_to_undo(&self, undone: StepProgress) -> bool {
        let may_be_done = |step: &StepProgress| matches!(step.doing, Doing::Sent | Doing::Done);
        match undone.undoing {
            Undoing::Sent => true,
            Undoing::Waiting => {
                let with = |step: &&StepProgress| step.step.spec().undone_with == undone.step;
                self.steps.iter().filter(with).any(may_be_done)
            }
            Undoing::Done | Undoing::Failed => false,
        }
    }

    fn step(&mut self, step: Step) -> Option<&mut StepProgress> {
        self.steps.iter_mut().find(|progress| progress.step == step)
    }
}

impl StepProgress {
    fn is_open(self) -> bool {
        matches!(self.doing, Doing::Waiting | Doing::Sent)
    }
}

impl Purchase {
    /// Whether a timer watches it: for its saga, or for a refund.
    pub fn is_running(&self) -> bool {
        self.saga.state.is_running() || self.refunding.iter().any(|refund| !refund.is_parked)
    }

    /// Whether it waits for a person: because of its saga, or of a refund.
    pub fn is_parked(&self) -> bool {
        self.saga.state.is_parked() || self.refunding.iter().any(|refund| refund.is_parked)
    }

    /// When the timer has to look next, while it is running.
    pub fn due(&self) -> Timestamp {
        let refunds = self.refunding.iter().filter(|refund| !refund.is_parked).map(|refund| refund.due);
        let saga = self.saga.state.is_running().then_some(self.saga.due);
        refunds.chain(saga).min().unwrap_or(self.saga.due)
    }

    /// The command for a purpose. It depends on nothing that changes, so that it is the same when it is sent again.
    pub fn command(&self, purpose: Purpose) -> Command {
        let Order { id, customer, total, .. } = self.order;
        let key = CommandKey { order: id, purpose };
        let stock = |action| Command::Stock(StockCommand { key, action });
        let voucher = |action| Command::Voucher(VoucherCommand { key, action });
        let payment = |action| Command::Payment(PaymentCommand { key, amount: total, action });
        match purpose {
            Purpose::Do(Step::Reserve) => {
                let until = self.order.made_at.plus(RESERVED_FOR);
                stock(StockAction::Reserve { lines: self.order.ordered(), until })
            }
            Purpose::Do(Step::Commit) => stock(StockAction::Commit),
            Purpose::Undo(Step::Reserve | Step::Commit, _) => stock(StockAction::Release),
            Purpose::Do(Step::Redeem) => {
                let redeem = |code| VoucherAction::Redeem { code, customer };
                // Without a voucher the saga has no such step, and there is nothing to use.
                voucher(self.order.voucher.clone().map_or(VoucherAction::Restore, redeem))
            }
            Purpose::Undo(Step::Redeem, _) => voucher(VoucherAction::Restore),
            Purpose::Do(Step::Authorise) => payment(PaymentAction::Authorise(self.token.clone())),
            Purpose::Do(Step::Capture) => payment(PaymentAction::Capture),
            Purpose::Undo(Step::Authorise | Step::Capture, _) => payment(PaymentAction::Void),
            Purpose::Refund(id) => {
                let of_it = self.order.refunds.iter().find(|refund| refund.id == id);
                let amount = of_it.map_or(total, |refund| refund.amount);
                Command::Payment(PaymentCommand { key, amount, action: PaymentAction::Refund(id) })
            }
        }
    }
}
