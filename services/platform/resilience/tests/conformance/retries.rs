//! The retry's kinds of bug.

use std::time::Duration;

use contract::{Unavailable, Why};
use resilience::Failure;
use tokio::time::Instant;

use crate::{
    Expected::{Fails, Passes},
    Verdict, ensure, judge,
    subjects::{check_retries, our_retry_alone},
    world::{Call, Does, MS, World},
};

async fn no_attempt_after_the_deadline(world: &World) -> Verdict {
    world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
    for _ in 0..50 {
        let deadline = Instant::now() + 50 * MS;
        let _ = world.call(Call { deadline, ..Call::read() }).await;
        ensure!(Instant::now() <= deadline, "it ended {:?} after the deadline", deadline.elapsed());
        let late = world.callee.arrived().iter().filter(|at| **at >= deadline).count();
        ensure!(late == 0, "{late} attempts began after the deadline");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn bug_08_a_retry_after_the_deadline_linkerd_2369() {
    check_retries("8 deadline", Fails, async |world, _| no_attempt_after_the_deadline(world).await).await;
    // Also without the deadline layer around it, which would end the call in its pause.
    let alone = World::new(false, |callee, _| our_retry_alone(callee));
    judge("8 deadline", "our retry alone", &no_attempt_after_the_deadline(&alone).await, Passes);
}

#[tokio::test(start_paused = true)]
async fn bug_09_time_outs_are_not_retried_or_without_a_budget_linkerd_5963() {
    check_retries("9 time-outs and budget", Passes, async |world, _| {
        world.callee.now(Does::fails(Why::TimedOut), Duration::ZERO);
        world.reads(1).await;
        ensure!(world.callee.arrivals() > 1, "a read that timed out is not sent again");
        world.reads(1_000).await;
        let extra = world.callee.arrivals() - 1_001;
        ensure!(extra <= 300, "1,000 calls that fail cost {extra} more");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_10_what_must_not_be_repeated_is_and_what_nobody_processed_is_not() {
    check_retries("10 what is safe to repeat", Fails, async |world, _| {
        world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
        let _ = world.call(Call::write()).await;
        ensure!(world.callee.arrivals() == 1, "a write that may have been processed is sent again");
        let nobody = Failure::not_processed(Unavailable::new("probe", Why::Unreachable));
        world.callee.now(Does::Fails(nobody), Duration::ZERO);
        let _ = world.call(Call::write()).await;
        ensure!(world.callee.arrivals() > 2, "a write that nobody processed is not sent again");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_13_a_budget_for_each_client_and_not_for_the_process() {
    check_retries("13 budget of the process", Passes, async |world, process| {
        world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
        world.reads(500).await;
        let before = world.callee.arrivals();
        for _ in 0..10 {
            let client = process.client(world.callee.clone());
            for _ in 0..10 {
                let _ = tower::ServiceExt::oneshot(client.clone(), Call::read()).await;
            }
        }
        let extra = world.callee.arrivals() - before - 100;
        ensure!(extra <= 20, "the budget is used up, and ten more clients send {extra} retries");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_17_retry_after_is_not_heard() {
    check_retries("17 Retry-After", Fails, async |world, _| {
        let asked = Duration::from_millis(300);
        let full = Failure::from(Unavailable::new("probe", Why::Overloaded)).after(Some(asked));
        world.callee.now(Does::Fails(full), Duration::ZERO);
        world.reads(1).await;
        let arrived = world.callee.arrived();
        let pause = *arrived.get(1).ok_or("it is not sent again")? - arrived[0];
        ensure!(pause >= asked, "it came back after {pause:?}, and was asked to wait {asked:?}");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_18_a_retry_does_not_poll_readiness_tower_resilience_392() {
    check_retries("18 readiness", Passes, async |world, _| {
        world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
        world.reads(5).await;
        let unready = world.callee.unready();
        ensure!(unready == 0, "{unready} calls of a service that was not asked whether it is ready");
        Ok(())
    })
    .await;
}
