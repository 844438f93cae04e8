//! The saga over any order of messages, with losses, repetitions, refusals, silence, and a customer who cancels.

use cart::{
    Command, CommandKey, INBOX_KEPT_FOR, OrderId, Outcome, Purchase, Purpose, RESERVED_FOR, RefundId,
    RefundState, Refusal, SENDS, STEPS, SagaReply, SagaState, Status, Step,
};
use proptest::prelude::*;

use crate::{
    network::{Action, Memory, Message, Network},
    support::{START, card, euro, order},
};

fn network() -> Network {
    Network::new(100, true, Memory::Tombstones)
}

/// Delivers what is on its way until the saga has sent this.
fn until(network: &mut Network, purpose: Purpose) {
    while !network.commands().contains(&purpose) {
        network.act(&Action::Deliver(0));
    }
}

fn key(purpose: Purpose) -> CommandKey {
    CommandKey { order: OrderId(7), purpose }
}

#[test]
fn the_table_is_in_the_order_of_the_steps_and_has_one_pivot() {
    for (index, spec) in STEPS.iter().enumerate() {
        assert_eq!(spec.step as usize, index);
        assert!(spec.undone_with <= spec.step && spec.undone_with.spec().compensation == spec.compensation);
    }
    assert_eq!(
        STEPS.iter().filter(|spec| spec.is_pivot).map(|spec| spec.step).collect::<Vec<_>>(),
        [Step::Capture]
    );
}

#[test]
fn a_checkout_takes_its_steps_one_after_the_other() {
    let mut network = network();
    let mut taken = Vec::new();
    while network.state() == SagaState::Forward {
        assert_eq!(network.purchase.order.settled_at, None);
        taken.extend(network.commands());
        network.act(&Action::Deliver(0));
    }
    assert_eq!(taken, Step::ALL.map(Purpose::Do));
    assert_eq!((network.state(), network.purchase.order.status), (SagaState::Done, Status::Paid));
    assert!(network.purchase.order.settled_at.is_some());
    network.check();
}

#[test]
fn without_a_voucher_and_without_a_price_the_steps_for_them_are_left_out() {
    let steps = |total, has_voucher| {
        let begun = Purchase::begin(order(total, has_voucher), card(), START);
        begun.purchase.saga.steps.iter().map(|step| step.step).collect::<Vec<_>>()
    };
    assert_eq!(steps(100, true), Step::ALL);
    assert_eq!(steps(100, false), [Step::Reserve, Step::Authorise, Step::Capture, Step::Commit]);
    assert_eq!(steps(0, true), [Step::Reserve, Step::Redeem, Step::Commit]);
    let mut free = Network::new(0, false, Memory::Tombstones);
    free.settle();
    assert_eq!((free.state(), free.purchase.order.status), (SagaState::Done, Status::Paid));
}

#[test]
fn a_declined_payment_gives_the_goods_and_the_voucher_back_in_reverse_order() {
    let mut network = network().refusing(&[Step::Authorise], &[]);
    let mut undone = Vec::new();
    for _ in 0..100 {
        undone.extend(network.commands().into_iter().filter(|purpose| matches!(purpose, Purpose::Undo(..))));
        network.act(&Action::Deliver(0));
    }
    assert_eq!(undone, [Purpose::Undo(Step::Redeem, 0), Purpose::Undo(Step::Reserve, 0)]);
    assert_eq!(network.state(), SagaState::Compensated);
    assert_eq!(network.purchase.order.reason, Some(Refusal::PaymentDeclined));
    network.check();
}

#[test]
fn a_commit_that_is_refused_after_the_pivot_gives_the_money_back() {
    let mut network = network().refusing(&[Step::Commit], &[]);
    network.settle();
    assert_eq!((network.state(), network.purchase.order.status), (SagaState::Compensated, Status::Cancelled));
    network.check();
}

#[test]
fn a_lost_command_is_sent_again_and_its_effect_is_there_once() {
    let mut network = network();
    network.act(&Action::Lose(0));
    assert_eq!(network.commands(), []);
    network.wait();
    assert_eq!(network.commands(), [Purpose::Do(Step::Reserve)]);
    network.settle();
    assert_eq!(network.state(), SagaState::Done);
}

#[test]
fn goods_stay_reserved_however_often_each_command_is_lost_before_it_arrives() {
    let mut network = network();
    while network.state() == SagaState::Forward {
        for _ in 1..SENDS {
            network.act(&Action::Lose(0));
            network.wait();
        }
        // The command, and its reply.
        network.act(&Action::Deliver(0));
        network.act(&Action::Deliver(0));
    }
    assert_eq!(network.state(), SagaState::Done);
    let took = network.purchase.saga.due.since(START);
    assert!(took < RESERVED_FOR && took < INBOX_KEPT_FOR, "{took:?}");
}

#[test]
fn silence_before_the_pivot_is_compensated_and_behind_it_parked() {
    for step in Step::ALL {
        let mut network = network();
        until(&mut network, Purpose::Do(step));
        for _ in 0..SENDS {
            network.act(&Action::Lose(0));
            network.wait();
        }
        let expected = if step == Step::Commit { SagaState::ParkedForward } else { SagaState::Backward };
        assert_eq!(network.state(), expected, "{step:?}");
        network.settle();
        network.check();
    }
}

#[test]
fn a_saga_that_is_parked_behind_the_pivot_goes_on_when_it_is_repaired() {
    let mut network = network();
    until(&mut network, Purpose::Do(Step::Commit));
    for _ in 0..SENDS {
        network.act(&Action::Lose(0));
        network.wait();
    }
    assert_eq!(network.state(), SagaState::ParkedForward);
    network.repair();
    assert_eq!(network.commands(), [Purpose::Do(Step::Commit)], "with the id that it had");
    network.settle();
    assert_eq!(network.state(), SagaState::Done);
    network.check();
}

#[test]
fn a_compensation_that_fails_holds_up_no_other_and_is_sent_again_by_a_repair() {
    let mut network = network().refusing(&[Step::Commit], &[Step::Authorise]);
    network.settle();
    assert_eq!(network.state(), SagaState::ParkedBackward);
    assert_eq!(network.effects(), [Step::Authorise, Step::Capture], "goods and voucher are free");
    network.check();
    network.heal();
    network.repair();
    assert_eq!(
        network.commands(),
        [Purpose::Undo(Step::Authorise, 1)],
        "with a new id: the old one is refused"
    );
    network.settle();
    assert_eq!(network.state(), SagaState::Compensated);
    network.check();
}

#[test]
fn a_payment_that_answers_after_its_compensation_is_answered_by_its_compensation() {
    let mut network = Network::new(100, true, Memory::Naive);
    until(&mut network, Purpose::Do(Step::Capture));
    // The capture is on its way for so long that the saga turns back and ends.
    network.act(&Action::Lose(0));
    network.cancel();
    network.settle();
    assert_eq!((network.state(), network.effects()), (SagaState::Compensated, vec![]));
    network.deliver(Message::Command(key(Purpose::Do(Step::Capture))));
    assert_eq!(network.effects(), [Step::Capture], "charged after all");
    network.act(&Action::Deliver(0));
    assert_eq!(network.commands(), [Purpose::Undo(Step::Authorise, 1)]);
    network.settle();
    assert_eq!(network.state(), SagaState::Compensated);
    network.check();
}

#[test]
fn replies_to_what_was_never_sent_change_nothing() {
    let begun = Purchase::begin(order(100, true), card(), START).purchase;
    for step in &Step::ALL[1..] {
        for outcome in [Outcome::Done, Outcome::Refused(Refusal::Cancelled)] {
            for purpose in [Purpose::Do(*step), Purpose::Undo(*step, 0), Purpose::Refund(RefundId(1))] {
                let reply = SagaReply { command: key(purpose), outcome };
                assert_eq!(begun.on_reply(&reply, START), None, "{reply:?}");
            }
        }
    }
    let of_another = SagaReply {
        command: CommandKey { order: OrderId(8), purpose: Purpose::Do(Step::Reserve) },
        outcome: Outcome::Done,
    };
    assert_eq!(begun.on_reply(&of_another, START), None);
}

#[test]
fn a_shipped_order_is_not_cancelled_and_an_unpaid_one_is_not_shipped() {
    let mut network = network();
    assert!(network.purchase.ship(START).is_err());
    network.settle();
    let shipped = network.purchase.ship(START).unwrap().unwrap().purchase;
    assert_eq!(shipped.order.status, Status::Shipped);
    assert_eq!(shipped.ship(START), Ok(None), "again");
    assert!(shipped.cancel(START).is_err());
}

#[test]
fn a_paid_order_that_is_cancelled_gives_everything_back() {
    let mut network = network();
    network.settle();
    network.cancel();
    network.settle();
    assert_eq!((network.state(), network.effects()), (SagaState::Compensated, vec![]));
    assert_eq!(network.purchase.cancel(START), Ok(None), "again");
}

#[test]
fn refunds_together_are_at_most_what_was_paid() {
    let mut network = network();
    assert!(network.purchase.refund(RefundId(1), euro(10), START).is_err(), "nothing is paid yet");
    network.settle();
    let refund = |purchase: &Purchase, id, minor| purchase.refund(RefundId(id), euro(minor), START);
    let first = refund(&network.purchase, 1, 60).unwrap().unwrap();
    assert_eq!(first.commands[0].key(), key(Purpose::Refund(RefundId(1))));
    let purchase = first.purchase;
    assert_eq!(refund(&purchase, 1, 60), Ok(None), "again");
    for (id, minor) in [(1, 50), (2, 41), (2, 0), (2, -5), (2, i64::MAX)] {
        assert!(refund(&purchase, id, minor).is_err(), "{id}: {minor}");
    }
    let outcome = Outcome::Refused(Refusal::NothingPaid);
    let refused = SagaReply { command: key(Purpose::Refund(RefundId(1))), outcome };
    let purchase = purchase.on_reply(&refused, START).unwrap().purchase;
    assert_eq!(purchase.order.refunds[0].state, RefundState::Refused(Refusal::NothingPaid));
    assert!(refund(&purchase, 2, 100).unwrap().is_some(), "what was refused does not count");
}

#[test]
fn a_refund_has_a_timer_of_its_own_beside_the_saga() {
    let mut network = network();
    network.settle();
    network.refund(1, 60);
    let refund = Purpose::Refund(RefundId(1));
    for sent in 1..SENDS {
        assert_eq!(network.commands(), [refund], "sent {sent} times");
        network.act(&Action::Lose(0));
        network.wait();
    }
    network.act(&Action::Lose(0));
    network.wait();
    assert_eq!((network.commands(), network.purchase.is_parked()), (vec![], true), "given up");
    assert_eq!(network.purchase.on_timer(network.purchase.due()), None);
    network.repair();
    assert_eq!(network.commands(), [refund], "with the id that it had");
    network.settle();
    assert_eq!(network.purchase.order.refunds[0].state, RefundState::Done);
    assert_eq!((network.purchase.is_parked(), network.purchase.is_running()), (false, false));
}

#[test]
fn a_reply_to_a_refund_that_was_given_up_ends_it() {
    let mut network = network();
    network.settle();
    network.refund(1, 60);
    for _ in 1..SENDS {
        network.wait();
    }
    network.wait();
    assert!(network.purchase.is_parked());
    network.settle();
    assert_eq!(network.purchase.order.refunds[0].state, RefundState::Done);
    assert!(!network.purchase.is_parked());
}

#[test]
fn what_a_transaction_placed_has_its_money_taken_and_nothing_else_to_do() {
    let placed = Purchase::placed(order(100, true), card(), START);
    assert!(placed.is_sale);
    assert_eq!(
        placed.commands.iter().map(Command::key).collect::<Vec<_>>(),
        [key(Purpose::Do(Step::Capture))]
    );
    let done = SagaReply { command: key(Purpose::Do(Step::Capture)), outcome: Outcome::Done };
    let paid = placed.purchase.on_reply(&done, START).unwrap();
    assert_eq!((paid.purchase.saga.state, paid.purchase.order.status), (SagaState::Done, Status::Paid));
    assert!(!paid.is_sale, "it has been one before");
    let lapsed = Outcome::Refused(Refusal::AuthorisationExpired);
    let refused = SagaReply { command: key(Purpose::Do(Step::Capture)), outcome: lapsed };
    let cancelled = placed.purchase.on_reply(&refused, START).unwrap();
    assert_eq!(cancelled.commands[0].key(), key(Purpose::Undo(Step::Authorise, 0)));
    assert_eq!(cancelled.purchase.order.status, Status::Cancelled);
}

#[test]
fn what_a_transaction_refused_has_its_money_given_back_and_nothing_else_to_undo() {
    let refused = Purchase::refused(order(100, true), card(), Refusal::VoucherUsedUp, true, START);
    assert_eq!(
        refused.commands.iter().map(Command::key).collect::<Vec<_>>(),
        [key(Purpose::Undo(Step::Authorise, 0))]
    );
    assert_eq!(refused.purchase.reply(), Err(Refusal::VoucherUsedUp));
    assert_eq!(refused.events, []);
    let free = Purchase::refused(order(0, false), card(), Refusal::VoucherUsedUp, true, START);
    assert_eq!((free.purchase.saga.state, free.commands), (SagaState::Compensated, vec![]));
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let action = prop_oneof![
        8 => (0..8_usize).prop_map(Action::Deliver),
        3 => (0..8_usize).prop_map(Action::Repeat),
        2 => (0..8_usize).prop_map(Action::Lose),
        3 => Just(Action::Wait),
        1 => Just(Action::Cancel),
    ];
    prop::collection::vec(action, 0..80)
}

fn some_steps(likelihood: f64) -> impl Strategy<Value = Vec<Step>> {
    let chosen = prop::collection::vec(prop::bool::weighted(likelihood), Step::ALL.len());
    chosen.prop_map(|chosen| {
        Step::ALL.into_iter().zip(chosen).filter(|(_, is)| *is).map(|(step, _)| step).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_saga_ends_done_compensated_or_parked_whatever_happens(
        total in prop_oneof![Just(0_i64), Just(100)],
        has_voucher: bool,
        memory in prop_oneof![Just(Memory::Tombstones), Just(Memory::Naive)],
        refused in some_steps(0.1),
        never_undone in some_steps(0.05),
        actions in actions(),
    ) {
        let mut network = Network::new(total, has_voucher, memory).refusing(&refused, &never_undone);
        for action in &actions {
            network.act(action);
        }
        network.settle();
        network.check();
        // Whoever repairs the participants and then the saga gets it to an end.
        network.heal();
        for _ in 0..2 {
            if network.state().is_parked() {
                network.repair();
                network.settle();
            }
        }
        network.check();
        prop_assert!(!network.state().is_parked(), "{:?}", network.purchase.saga);
        prop_assert!(network.purchase.order.settled_at.is_some());
    }
}
