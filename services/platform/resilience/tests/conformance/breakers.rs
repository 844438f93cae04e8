//! The breaker's kinds of bug. Numbers and reports: resilience4j's issues unless another project is named.

use std::time::Duration;

use contract::Why;
use resilience::settings::{BreakerSettings, WindowSettings};

use crate::{
    Expected::{Fails, Passes},
    Verdict, ensure,
    subjects::{CAP, OPEN, PROBE_LIMIT, PROBES, SLOW, WINDOW, breaker_settings, check_breakers, is_rejected},
    world::{Call, Does, FOREVER, MS, World},
};

/// Opens it by failures, as many as any rule needs.
async fn open(world: &World) -> Verdict {
    world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
    world.reads(2 * WINDOW).await;
    ensure!(!world.reaches().await, "it does not open");
    Ok(())
}

/// Opens it and lets the time open pass, so that the next call is a probe.
async fn half_open(world: &World) -> Verdict {
    open(world).await?;
    world.pass(OPEN).await;
    Ok(())
}

/// Whether it closes for a callee that is well: calls come every 10 ms for so long.
async fn closes_within(world: &World, time: Duration) -> bool {
    world.callee.now(Does::Answers, Duration::ZERO);
    let calls = time.as_millis() / 10;
    let mut in_a_row = 0;
    for _ in 0..calls {
        in_a_row = if world.call(Call::read()).await.is_ok() { in_a_row + 1 } else { 0 };
        if in_a_row > 2 * PROBES {
            return true;
        }
        world.pass(10 * MS).await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn bug_01a_an_outcome_that_is_ignored_keeps_the_permit_544() {
    check_breakers("1a ignored outcome", breaker_settings(), Fails, async |world| {
        half_open(world).await?;
        world.callee.now(Does::fails(Why::Rejected), Duration::ZERO);
        world.reads(20 * PROBES).await;
        world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
        let before = world.callee.arrivals();
        world.reads(WINDOW).await;
        let probes = world.callee.arrivals() - before;
        ensure!(probes > 0, "half-open for ever: no probe passes any more");
        ensure!(probes <= PROBES, "what says nothing closed it: {probes} calls reached a callee that fails");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_01b_a_probe_that_hangs_keeps_it_half_open_for_ever_935() {
    check_breakers("1b hung probe", breaker_settings(), Fails, async |world| {
        half_open(world).await?;
        world.callee.now(Does::Answers, FOREVER);
        let hung = world.spawn_all(20 * PROBES).await;
        world.pass(PROBE_LIMIT).await;
        ensure!(closes_within(world, 3 * CAP).await, "half-open for ever: the hung probes keep their places");
        drop(hung);
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_01c_a_window_by_time_never_sees_enough_calls_903() {
    let window = WindowSettings::Time(SLOW);
    let settings = BreakerSettings { window, minimum_calls: 10, ..breaker_settings() };
    check_breakers("1c too few calls in the window", settings, Fails, async |world| {
        half_open(world).await?;
        world.callee.now(Does::Answers, Duration::ZERO);
        for _ in 0..2 * PROBES {
            let _ = world.call(Call::read()).await;
            // Longer than the window.
            world.pass(SLOW + 10 * MS).await;
        }
        // Closed, it lets more through than probes, before any of them ends.
        world.callee.now(Does::Answers, FOREVER);
        let before = world.callee.arrivals();
        world.spawn_all(100).await;
        let passed = world.callee.arrivals() - before;
        ensure!(passed == 100, "6 probes succeeded one by one, and it is not closed: {passed} of 100 pass");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_01d_an_error_of_the_contract_wedges_it_kubeflow_222() {
    check_breakers("1d wedged by a validation error", breaker_settings(), Passes, async |world| {
        half_open(world).await?;
        world.callee.now(Does::fails(Why::Misunderstood), Duration::ZERO);
        world.reads(20 * PROBES).await;
        ensure!(closes_within(world, CAP).await, "the callee answered, and no call passes");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_02_half_open_lets_everything_in_1432() {
    check_breakers("2 stampede", breaker_settings(), Passes, async |world| {
        half_open(world).await?;
        world.callee.now(Does::Answers, SLOW / 2);
        let before = world.callee.arrivals();
        let calls = world.spawn_all(25).await;
        let probes = world.callee.arrivals() - before;
        ensure!(probes <= PROBES && world.callee.most() <= PROBES, "{probes} probes of {PROBES} at once");
        ensure!(probes > 0, "no probe passes");
        drop(calls);
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_03_it_stays_open_for_hours_2093() {
    check_breakers("3 open for hours", breaker_settings(), Passes, async |world| {
        open(world).await?;
        for _ in 0..5 {
            world.pass(CAP).await;
            world.reads(1).await;
        }
        ensure!(closes_within(world, 2 * CAP).await, "the callee has been well for {:?}", 2 * CAP);
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_04_the_wall_clock_is_set_back_kubeflow_222() {
    check_breakers("4 wall clock", breaker_settings(), Passes, async |world| {
        open(world).await?;
        world.wall.set_back(Duration::from_hours(1));
        world.pass(OPEN).await;
        ensure!(world.reaches().await, "it stays open for an hour, because somebody set the clock");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_05_an_outcome_of_an_older_generation_counts() {
    check_breakers("5 older generation", breaker_settings(), Fails, async |world| {
        // Calls that began while it was closed, and fail when it is half-open.
        world.callee.now(Does::fails(Why::Broken), FOREVER);
        let old = world.spawn_all(1).await;
        half_open(world).await?;
        world.callee.now(Does::Answers, Duration::ZERO);
        ensure!(world.reads(1).await == 1, "the first probe passes");
        world.release(old).await;
        ensure!(world.reads(1).await == 1, "a call from before it opened opened it again");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_06_a_caller_that_goes_away_leaks_a_permit_or_counts() {
    check_breakers("6 caller gone", breaker_settings(), Passes, async |world| {
        world.callee.now(Does::fails(Why::Broken), FOREVER);
        for call in world.spawn_all(3 * WINDOW).await {
            call.abort();
            let _ = call.await;
        }
        world.callee.now(Does::Answers, Duration::ZERO);
        ensure!(world.reads(1).await == 1, "callers that went away opened it");
        half_open(world).await?;
        for _ in 0..20 * PROBES {
            world.callee.now(Does::Answers, FOREVER);
            let probe = world.spawn_all(1).await.remove(0);
            probe.abort();
            let _ = probe.await;
        }
        world.callee.now(Does::Answers, Duration::ZERO);
        ensure!(world.reaches().await, "half-open for ever: callers that went away keep their places");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_11_an_overload_reply_closes_it_early_linkerd() {
    check_breakers("11 overload is no success", breaker_settings(), Passes, async |world| {
        half_open(world).await?;
        world.callee.now(Does::fails(Why::Overloaded), Duration::ZERO);
        let before = world.callee.arrivals();
        world.reads(WINDOW).await;
        let passed = world.callee.arrivals() - before;
        ensure!(passed <= PROBES, "{passed} calls reached a callee that said it is overloaded");
        ensure!(is_rejected(&world.call(Call::read()).await), "it closed");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_14_one_signal_alone_misses_half_linkerd() {
    check_breakers("14 a run and a rate", breaker_settings(), Fails, async |world| {
        // Half of the calls fail, and no two in a row.
        for _ in 0..2 * WINDOW {
            world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
            world.reads(1).await;
            world.callee.now(Does::Answers, Duration::ZERO);
            world.reads(1).await;
        }
        ensure!(!world.reaches().await, "it did not open at a rate of half");
        world.pass(OPEN).await;
        ensure!(closes_within(world, CAP).await, "it does not close");
        world.reads(WINDOW - 5).await;
        // A run that is a quarter of the window.
        world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
        world.reads(5).await;
        ensure!(!world.reaches().await, "it did not open for a run of failures");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_15_a_window_by_count_does_not_slide() {
    check_breakers("15 the window slides", breaker_settings(), Fails, async |world| {
        world.callee.now(Does::Answers, Duration::ZERO);
        world.reads(50 * WINDOW).await;
        for _ in 0..2 * WINDOW {
            world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
            world.reads(1).await;
            world.callee.now(Does::Answers, Duration::ZERO);
            world.reads(1).await;
        }
        ensure!(!world.reaches().await, "half of the last calls failed, and it did not open");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_16_slow_calls_are_no_reason() {
    check_breakers("16 slow calls", breaker_settings(), Passes, async |world| {
        world.callee.now(Does::Answers, SLOW);
        world.reads(WINDOW).await;
        world.callee.now(Does::Answers, Duration::ZERO);
        ensure!(!world.reaches().await, "every call was slow, and it did not open");
        Ok(())
    })
    .await;
}
