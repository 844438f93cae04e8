//! How long it took to sell what is paid.

use super::*;

#[test]
fn selling_takes_from_the_first_paid_order_to_the_end_of_the_last_one() {
    let mut evidence = honest(Mix::FlashSale);
    let took = |evidence: &Evidence| judge(evidence).count(facts::SELLING_TOOK_MS);
    assert_eq!(took(&evidence), 500, "all at once");
    let late = order_mut(&mut evidence, 1);
    (late.made_at_ms, late.settled_after) = (4_000, Some(Duration::from_millis(250)));
    assert_eq!(took(&evidence), 3_250);
    order_mut(&mut evidence, 1).status = Status::Cancelled;
    assert_eq!(took(&evidence), 500, "what was cancelled sold nothing");
}
