//! Payments at a provider that does not answer, answers late, or tells what nobody asked.

use cart::{
    CommandKey, OrderId, Outcome, PaymentAction, PaymentCommand, PaymentError, PaymentState, Payments,
    Purpose, RefundId, Refusal, Step, Webhook,
};

use super::shop::{Kind, Shop};
use crate::{
    provider::Fault,
    support::{at_once, card, euro},
};

pub(crate) fn command(purpose: Purpose, minor: i64) -> PaymentCommand {
    let action = match purpose {
        Purpose::Do(Step::Authorise) => PaymentAction::Authorise(card()),
        Purpose::Do(_) => PaymentAction::Capture,
        Purpose::Undo(..) => PaymentAction::Void,
        Purpose::Refund(id) => PaymentAction::Refund(id),
    };
    PaymentCommand { key: CommandKey { order: OrderId(7), purpose }, amount: euro(minor), action }
}

pub(crate) const AUTHORISE: Purpose = Purpose::Do(Step::Authorise);
pub(crate) const CAPTURE: Purpose = Purpose::Do(Step::Capture);
pub(crate) const VOID: Purpose = Purpose::Undo(Step::Authorise, 0);

pub(crate) fn perform(shop: &Shop, purpose: Purpose) -> Result<Outcome, PaymentError> {
    at_once(shop.payments.perform(command(purpose, 100))).map(|reply| reply.outcome)
}

/// Performs a command until its outcome is known.
pub(crate) fn insist(shop: &Shop, purpose: Purpose) -> Outcome {
    (0..40).find_map(|_| perform(shop, purpose).ok()).unwrap()
}

pub(crate) fn shop() -> Shop {
    Shop::new(Kind::Saga)
}

#[test]
fn a_call_without_an_answer_is_unknown_until_the_same_call_finds_out() {
    for fault in [Fault::CallLost, Fault::ReplyLost] {
        let shop = shop();
        shop.provider.plan(&[fault, fault]);
        assert!(matches!(perform(&shop, AUTHORISE), Err(PaymentError::Unavailable(_))));
        let payment = at_once(shop.payments.payment(OrderId(7))).unwrap();
        assert_eq!(payment.state, PaymentState::Authorising, "a trace of the call");
        assert_eq!(insist(&shop, AUTHORISE), Outcome::Done);
        assert_eq!(shop.provider.entries().len(), 1, "{fault:?}");
    }
}

#[test]
fn a_hold_whose_reply_was_lost_is_found_and_given_back() {
    let shop = shop();
    shop.provider.plan(&[Fault::ReplyLost]);
    assert!(perform(&shop, AUTHORISE).is_err());
    assert_eq!(shop.provider.held(), 100);
    assert_eq!(insist(&shop, VOID), Outcome::Done);
    assert_eq!(shop.provider.held(), 0);
    assert_eq!(perform(&shop, AUTHORISE), Ok(Outcome::Refused(Refusal::Cancelled)));
}

#[test]
fn a_command_that_comes_after_its_compensation_takes_nothing() {
    let shop = shop();
    assert_eq!(perform(&shop, VOID), Ok(Outcome::Done));
    for late in [AUTHORISE, CAPTURE] {
        assert_eq!(perform(&shop, late), Ok(Outcome::Refused(Refusal::Cancelled)));
    }
    assert!(shop.provider.entries().is_empty(), "the provider was not even called");
}

#[test]
fn a_capture_whose_reply_was_lost_is_refunded_when_the_order_is_cancelled() {
    let shop = shop();
    perform(&shop, AUTHORISE).unwrap();
    shop.provider.plan(&[Fault::ReplyLost]);
    assert!(perform(&shop, CAPTURE).is_err());
    assert_eq!(insist(&shop, VOID), Outcome::Done);
    assert_eq!(shop.provider.taken(), 0);
}

#[test]
fn a_charge_that_is_captured_after_it_was_cancelled_is_given_back_when_the_provider_tells() {
    let shop = shop();
    perform(&shop, AUTHORISE).unwrap();
    perform(&shop, VOID).unwrap();
    shop.provider.capture_by_itself(OrderId(7));
    for _ in 0..2 {
        let payment = at_once(shop.payments.notify(Webhook { order: OrderId(7) })).unwrap();
        assert_eq!((payment.state, shop.provider.taken()), (PaymentState::Captured, 0));
    }
    assert_eq!(shop.provider.entries()[0].refunded, 100, "once");
}

#[test]
fn a_webhook_that_comes_before_the_reply_saves_a_call_and_one_of_a_stranger_is_refused() {
    let shop = shop();
    shop.provider.plan(&[Fault::ReplyLost]);
    assert!(perform(&shop, AUTHORISE).is_err());
    let payment = at_once(shop.payments.notify(Webhook { order: OrderId(7) })).unwrap();
    assert_eq!(payment.state, PaymentState::Authorised);
    shop.provider.plan(&[Fault::CallLost]);
    assert_eq!(perform(&shop, AUTHORISE), Ok(Outcome::Done), "without a call");
    let unknown = PaymentError::NotFound { order: OrderId(8) };
    assert_eq!(at_once(shop.payments.notify(Webhook { order: OrderId(8) })), Err(unknown));
}

#[test]
fn refunds_need_a_capture_and_stay_within_it() {
    let shop = shop();
    let refund = |id, minor| {
        let command = command(Purpose::Refund(RefundId(id)), minor);
        at_once(shop.payments.perform(command)).map(|reply| reply.outcome)
    };
    assert_eq!(refund(1, 10), Ok(Outcome::Refused(Refusal::NothingPaid)));
    perform(&shop, AUTHORISE).unwrap();
    perform(&shop, CAPTURE).unwrap();
    shop.provider.plan(&[Fault::ReplyLost]);
    assert!(refund(2, 60).is_err());
    for _ in 0..2 {
        assert_eq!(refund(2, 60), Ok(Outcome::Done));
    }
    assert_eq!(refund(3, 41), Ok(Outcome::Refused(Refusal::ExceedsPayment)));
    assert_eq!(refund(4, 40), Ok(Outcome::Done));
    assert_eq!(shop.provider.taken(), 0);
    assert_eq!(refund(5, 0), Err(PaymentError::Amount));
}

#[test]
fn a_refund_that_the_provider_refuses_is_tried_again_by_a_new_command_only() {
    let shop = shop();
    perform(&shop, AUTHORISE).unwrap();
    perform(&shop, CAPTURE).unwrap();
    shop.provider.refuse_refunds(true);
    let refused = Outcome::Refused(Refusal::ExceedsPayment);
    assert_eq!(perform(&shop, VOID), Ok(refused));
    shop.provider.refuse_refunds(false);
    assert_eq!(perform(&shop, VOID), Ok(refused), "the same command has the same reply");
    assert_eq!(perform(&shop, Purpose::Undo(Step::Authorise, 1)), Ok(Outcome::Done));
    assert_eq!(shop.provider.taken(), 0);
}
