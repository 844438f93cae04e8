//! Crews on a paused clock.

use futures::future::join_all;
use prometheus_client::registry::Registry;
use tokio::time::{Instant, timeout};

use super::*;
use crate::axes::{Queue, Work};

const SEED: u64 = 7;

/// A crew that runs, and its metrics.
fn crew(capacity: Capacity) -> (Workers, OfComponent, Background) {
    let (metrics, background) = (CrewMetrics::register(&mut Registry::default()), Background::default());
    let crew = Workers::start("back", capacity, SEED, &metrics, &background);
    (crew, metrics.of("back"), background)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[tokio::test(start_paused = true)]
async fn four_workers_of_40_ms_do_a_hundred_pieces_of_work_in_a_second() {
    let (crew, metrics, _background) = crew(Capacity::of_back(Work::Scarce, Queue::Unbounded));
    let began = Instant::now();
    let done = join_all((0..100).map(|_| crew.work())).await;
    assert!(done.iter().all(Result::is_ok), "{done:?}");
    assert_eq!(began.elapsed(), ms(1_000));
    assert_eq!((metrics.done.get(), metrics.for_nobody.get(), metrics.waiting.get()), (100, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_finds_a_bounded_line_full_is_refused_at_once() {
    let (crew, metrics, _background) = crew(Capacity::of_back(Work::Scarce, Queue::Bounded));
    // The workers are busy first, so that exactly the line is left.
    let busy = async {
        sleep(ms(1)).await;
        let began = Instant::now();
        let later = join_all((0..20).map(|_| crew.work())).await;
        assert_eq!(later.iter().filter(|work| work.is_err()).count(), 10, "{later:?}");
        assert_eq!(began.elapsed(), ms(39 + 3 * 40), "ten in line for four workers");
    };
    let (first, ()) = tokio::join!(join_all((0..4).map(|_| crew.work())), busy);
    assert!(first.iter().all(Result::is_ok), "{first:?}");
    assert_eq!(metrics.done.get(), 14);
}

#[tokio::test(start_paused = true)]
async fn whoever_goes_away_leaves_a_bounded_line_and_its_worker() {
    let (crew, metrics, _background) = crew(Capacity::of_back(Work::Scarce, Queue::Bounded));
    let impatient = join_all((0..8).map(|_| timeout(ms(10), crew.work())));
    assert!(impatient.await.iter().all(Result::is_err));
    let began = Instant::now();
    assert_eq!(crew.work().await, Ok(()));
    assert_eq!(began.elapsed(), ms(40), "no worker is busy with what nobody waits for");
    assert_eq!((metrics.done.get(), metrics.for_nobody.get()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn an_unbounded_line_works_for_callers_that_are_gone() {
    let (crew, metrics, _background) = crew(Capacity::of_back(Work::Scarce, Queue::Unbounded));
    let impatient = join_all((0..8).map(|_| timeout(ms(10), crew.work())));
    assert!(impatient.await.iter().all(Result::is_err));
    let began = Instant::now();
    assert_eq!(crew.work().await, Ok(()));
    assert_eq!(began.elapsed(), ms(70 + 40), "eight pieces of work stood before it");
    assert_eq!((metrics.done.get(), metrics.for_nobody.get()), (9, 8));
}

#[tokio::test(start_paused = true)]
async fn one_in_a_hundred_is_slow_and_the_seed_says_which() {
    let slow = async || {
        let (crew, ..) = crew(Capacity::of_back(Work::Uneven, Queue::Bounded));
        let mut slow = Vec::new();
        for nth in 0..2_000 {
            let began = Instant::now();
            assert_eq!(crew.work().await, Ok(()));
            if began.elapsed() > ms(5) {
                assert_eq!(began.elapsed(), ms(500));
                slow.push(nth);
            }
        }
        slow
    };
    let (first, second) = (slow().await, slow().await);
    assert_eq!(first, second);
    // Within three standard deviations of the binomial count.
    assert!((7..=33).contains(&first.len()), "{first:?}");
}
