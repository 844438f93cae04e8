//! Whatever the transport loses, repeats and reorders: each connection gets each record once, in the order of the log.

use proptest::{
    prelude::*,
    test_runner::{TestError, TestRunner},
};

use super::world::{Act, By, Fate, NAMES, run};

/// Of 100 records, so many never come, and so many come twice.
const LOST: u32 = 30;
const DOUBLED: u32 = 20;
/// Of 100 that come, so many are not the one that was sent first.
const REORDERED: u32 = 30;

fn fate() -> impl Strategy<Value = Fate> {
    let once = 100 - LOST - DOUBLED;
    prop_oneof![LOST => Just(Fate::Lost), DOUBLED => Just(Fate::Twice), once => Just(Fate::Once)]
}

fn act() -> impl Strategy<Value = Act> {
    let name = || 0..NAMES.len();
    let bring = prop_oneof![100 - REORDERED => Just(0), REORDERED => 0..8_usize];
    prop_oneof![
        30 => fate().prop_map(Act::Say),
        4 => (name(), fate()).prop_map(|(name, fate)| Act::Remove(name, fate)),
        6 => name().prop_map(Act::Add),
        8 => (name(), 0..8_u64).prop_map(|(name, back)| Act::Connect(name, back)),
        6 => (0..64_usize).prop_map(Act::Resume),
        3 => (0..64_usize, any::<bool>()).prop_map(|(index, is_told)| Act::Leave(index, is_told)),
        8 => (0..4_usize).prop_map(Act::CatchUp),
        30 => bring.prop_map(Act::Bring),
        10 => (0..4_usize).prop_map(Act::Read),
        3 => Just(Act::Ask),
        8 => (0..4_usize).prop_map(Act::Reply),
        1 => (0..6_usize).prop_map(Act::Restore),
    ]
}

/// How many frames the feed keeps, and what happens.
fn plan() -> impl Strategy<Value = (usize, Vec<Act>)> {
    (0..6_usize, prop::collection::vec(act(), 0..150))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn each_connection_gets_each_record_once_in_the_order_of_the_log((window, acts) in plan()) {
        prop_assert_eq!(run(By::Feed, window, &acts), Ok(()));
    }
}

#[test]
fn who_does_not_look_at_numbers_is_caught_whatever_the_transport_does_wrong() {
    use Act::{Bring, Connect, Remove, Say};
    use Fate::{Lost, Once, Twice};

    let nothing = [Connect(0, 0), Say(Once), Say(Once), Bring(0), Bring(0)];
    assert_eq!(run(By::Naive, 3, &nothing), Ok(()), "as long as it does nothing wrong");
    let wrong: [&[Act]; 5] = [
        &[Connect(0, 0), Say(Once), Say(Lost), Say(Once)],
        &[Connect(0, 0), Say(Once), Say(Lost)],
        &[Connect(0, 0), Say(Twice)],
        &[Connect(0, 0), Say(Once), Say(Once), Bring(1), Bring(0)],
        &[Connect(1, 0), Remove(1, Once), Say(Once)],
    ];
    for acts in wrong {
        assert_eq!(run(By::Feed, 3, acts), Ok(()), "{acts:?}");
        assert!(run(By::Naive, 3, acts).is_err(), "{acts:?}");
    }
}

#[test]
fn who_does_not_look_at_numbers_is_caught_by_chance_too() {
    let config =
        ProptestConfig { failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() };
    let check =
        |(window, acts): (usize, Vec<Act>)| run(By::Naive, window, &acts).map_err(TestCaseError::fail);
    let result = TestRunner::new(config).run(&plan(), check);
    assert!(matches!(result, Err(TestError::Fail(..))), "{result:?}");
}
