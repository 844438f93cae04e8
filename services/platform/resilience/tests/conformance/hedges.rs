//! The hedge's kinds of bug: number 10, what must not be repeated, and what follows from it.

use std::time::Duration;

use contract::Why;
use resilience::{
    HedgeMetrics,
    hedge::{HedgeLayer, Hedges},
    settings::HedgeSettings,
};
use tower::{Layer as _, util::BoxCloneSyncService};

use crate::{
    Expected::{Fails, Passes},
    Verdict, ensure, judge,
    naive::NaiveHedge,
    world::{Call, Does, FOREVER, MS, World},
};

const AFTER: Duration = Duration::from_millis(10);

async fn check(name: &str, run: impl AsyncFn(&World) -> Verdict) {
    let ours = World::new(false, |callee, _| {
        let settings = HedgeSettings { after: AFTER, ..HedgeSettings::default() };
        let hedges = Hedges::new(settings, HedgeMetrics::default());
        BoxCloneSyncService::new(HedgeLayer::new(hedges).layer(callee))
    });
    judge(name, "ours", &run(&ours).await, Passes);
    let naive = World::new(false, |callee, _| BoxCloneSyncService::new(NaiveHedge { after: AFTER, callee }));
    judge(name, "naive", &run(&naive).await, Fails);
}

#[tokio::test(start_paused = true)]
async fn bug_10_a_hedge_of_what_must_not_be_repeated_tower_resilience_393() {
    check("10 hedge of a write", async |world| {
        world.callee.now(Does::Answers, 5 * AFTER);
        let _ = world.call(Call::read()).await;
        ensure!(world.callee.arrivals() == 2, "a slow read is not hedged");
        let _ = world.call(Call::write()).await;
        ensure!(world.callee.arrivals() == 3, "a write is sent twice");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_10_the_loser_goes_on_tower_resilience_393() {
    check("10 loser", async |world| {
        world.callee.now(Does::Answers, FOREVER);
        let read = world.spawn_all(1).await.remove(0);
        world.callee.now(Does::Answers, Duration::ZERO);
        ensure!(read.await.unwrap().is_ok(), "the second attempt answers");
        ensure!(world.callee.in_flight() == 0, "the first attempt goes on");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_10_a_hedge_that_fails_ends_the_call() {
    check("10 failing hedge", async |world| {
        world.callee.now(Does::Answers, 5 * AFTER);
        let read = world.spawn_all(1).await.remove(0);
        world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
        ensure!(read.await.unwrap().is_ok(), "the first attempt would have answered");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_10_hedges_double_the_load_of_a_slow_callee() {
    check("10 hedges without a budget", async |world| {
        world.callee.now(Does::Answers, AFTER + 10 * MS);
        world.reads(1_000).await;
        let extra = world.callee.arrivals() - 1_000;
        ensure!(extra <= 100, "1,000 slow calls cost {extra} more");
        Ok(())
    })
    .await;
}
