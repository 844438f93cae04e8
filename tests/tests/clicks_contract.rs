//! What `clicks` promises, over every way to reach it and every store.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::sync::Arc;

use backing::{Batching, Event, Subscriber};
use shortener::{ClickError, ClickService, Clicks, Code, MAX_COUNTS, Tallies, Tally, TallyId};
use shortener_app::{Tallying, remotes::clicks};
use system_tests::{
    placed::{WAYS, placed},
    stores::click_stores,
};

fn tally(id: u128, code: &str, clicks: u32) -> Tally {
    Tally { id: TallyId(id), counts: [(Code::parse(code).unwrap(), clicks)].into() }
}

async fn count(clicks: &dyn Clicks, code: &str) -> u64 {
    clicks.count(Code::parse(code).unwrap()).await.unwrap().clicks
}

#[tokio::test]
async fn clicks_keeps_its_promises_however_it_is_reached_and_whatever_it_stands_on() {
    for (way_name, way) in WAYS {
        for (store_name, store, _kept) in click_stores().await {
            println!("{way_name}, {store_name}");
            let clicks = placed::<clicks::Placed>(way, Arc::new(ClickService::new(store))).await;
            a_tally_is_added_once_however_often_it_comes(&*clicks).await;
            tallies_of_one_call_are_added_together(&*clicks).await;
            too_many_counts_are_refused_whole(&*clicks).await;
            events_that_come_again_in_other_company_count_once(Arc::clone(&clicks)).await;
        }
    }
}

async fn a_tally_is_added_once_however_often_it_comes(clicks: &dyn Clicks) {
    assert_eq!(count(clicks, "once").await, 0);
    for _ in 0..3 {
        clicks.record(Tallies(vec![tally(1, "once", 2)])).await.unwrap();
    }
    assert_eq!(count(clicks, "once").await, 2);
    clicks.record(Tallies(vec![tally(2, "once", 5)])).await.unwrap();
    assert_eq!(count(clicks, "once").await, 7);
}

async fn tallies_of_one_call_are_added_together(clicks: &dyn Clicks) {
    let tallies = (10..60).map(|id| tally(id, if id % 2 == 0 { "even" } else { "odd" }, 1)).collect();
    clicks.record(Tallies(tallies)).await.unwrap();
    // The same id twice in one call counts once as well.
    clicks.record(Tallies(vec![tally(60, "even", 1), tally(60, "even", 1)])).await.unwrap();
    assert_eq!((count(clicks, "even").await, count(clicks, "odd").await), (26, 25));
    clicks.record(Tallies::default()).await.unwrap();
}

async fn too_many_counts_are_refused_whole(clicks: &dyn Clicks) {
    let tallies = (0..=MAX_COUNTS as u128).map(|id| tally(1_000 + id, "many", 1)).collect();
    assert_eq!(clicks.record(Tallies(tallies)).await, Err(ClickError::TooManyCounts));
    assert_eq!(count(clicks, "many").await, 0);
}

async fn events_that_come_again_in_other_company_count_once(clicks: Arc<dyn Clicks>) {
    let event = |id| Event::new(id, "event");
    let subscriber = Tallying::new(Arc::clone(&clicks));
    subscriber.receive(&[event(101), event(102)], Batching::Shifting).await.unwrap();
    subscriber.receive(&[event(102), event(103)], Batching::Shifting).await.unwrap();
    assert_eq!(count(&*clicks, "event").await, 3);
    let batch = [event(201), event(202)];
    subscriber.receive(&batch, Batching::Fixed).await.unwrap();
    subscriber.receive(&batch, Batching::Fixed).await.unwrap();
    assert_eq!(count(&*clicks, "event").await, 5);
}
