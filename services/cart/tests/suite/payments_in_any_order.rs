//! Commands to payments in any order, at a provider whose calls and replies get lost.

use cart::{Outcome, Payments, Purpose, RefundId, Step};
use proptest::prelude::*;

use crate::{
    payments::{AUTHORISE, CAPTURE, VOID, command, insist, perform, shop},
    provider::Fault,
    support::at_once,
};

proptest! {
    #[test]
    fn money_is_taken_at_most_once_and_after_a_void_not_at_all(
        purposes in prop::collection::vec(
            prop::sample::select(vec![AUTHORISE, CAPTURE, VOID, Purpose::Refund(RefundId(1))]), 1..12),
        faults in prop::collection::vec(
            prop::sample::select(vec![Fault::None, Fault::None, Fault::CallLost, Fault::ReplyLost]), 0..12),
    ) {
        let shop = shop();
        shop.provider.plan(&faults);
        for purpose in &purposes {
            // A time-out leaves it to a later command to find out.
            drop(at_once(shop.payments.perform(command(*purpose, 100))));
        }
        prop_assert!(shop.provider.entries().len() <= 1);
        let voided = insist(&shop, Purpose::Undo(Step::Authorise, 9));
        prop_assert_eq!(voided, Outcome::Done);
        prop_assert_eq!((shop.provider.taken(), shop.provider.held()), (0, 0));
        for purpose in [AUTHORISE, CAPTURE] {
            drop(perform(&shop, purpose));
        }
        prop_assert_eq!((shop.provider.taken(), shop.provider.held()), (0, 0));
    }
}
