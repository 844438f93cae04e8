//! The limits of an attempt, as the axis `attempt-limit` has them, in front of a callee that becomes slow and one that
//! hangs.

use std::time::Duration;

use resilience::{
    Callees, Preset, Settings,
    settings::{ATTEMPT, ATTEMPT_SHORT, AdaptiveAttempt, AttemptSettings, SLOW_CALL},
};
use tokio::time::Instant;

use crate::{
    Expected::{self, Fails, Passes},
    Verdict, ensure, judge,
    world::{Call, Does, FOREVER, MS, World},
};

/// The deadline of a request, and of each call of these checks.
const DEADLINE: Duration = Duration::from_secs(2);
/// What a call takes at rest.
const AT_REST: Duration = Duration::from_millis(5);

fn world(preset: Preset, attempt: AttemptSettings) -> World {
    let settings = Settings { attempt, ..Settings::default() };
    World::new(false, |callee, _| {
        resilience::stack(&Callees::default().get("probe", preset, &settings), callee)
    })
}

fn read() -> Call {
    Call { deadline: Instant::now() + DEADLINE, ..Call::read() }
}

/// Puts a check through the limits: standard, short, long and adaptive, which have seen the callee at rest.
async fn check(name: &str, expected: [Expected; 4], preset: Preset, run: impl AsyncFn(&World) -> Verdict) {
    let limits = [
        ("standard", AttemptSettings::Fixed(ATTEMPT)),
        ("short", AttemptSettings::Fixed(ATTEMPT_SHORT)),
        ("long", AttemptSettings::Fixed(DEADLINE)),
        ("adaptive", AttemptSettings::Adaptive(AdaptiveAttempt::up_to(ATTEMPT))),
    ];
    for ((subject, limit), expected) in limits.into_iter().zip(expected) {
        let world = world(preset, limit);
        world.callee.now(Does::Answers, AT_REST);
        assert_eq!(world.reads(100).await, 100, "{name}: {subject}: at rest every call is answered");
        judge(name, subject, &run(&world).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_callee_that_becomes_slow_is_answered_in_the_end() {
    let expected = [Passes, Fails, Passes, Passes];
    check("slow callee", expected, Preset::Timeout, async |world| {
        // Longer than the adaptive limit at rest, which has to follow.
        world.callee.now(Does::Answers, 100 * MS);
        world.reads(100).await;
        let answered = world.reads(100).await;
        ensure!(answered == 100, "{answered} of 100 calls that take 100 ms are answered");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_leaves_time_for_a_second_attempt() {
    let expected = [Passes, Passes, Fails, Passes];
    check("second attempt", expected, Preset::BudgetedRetry, async |world| {
        let before = world.callee.arrivals();
        world.callee.now(Does::Answers, FOREVER);
        let _ = world.call(read()).await;
        let attempts = world.callee.arrivals() - before;
        ensure!(attempts >= 2, "{attempts} attempts before the deadline");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callee_that_hangs_holds_its_caller_for_less_than_a_slow_call() {
    let expected = [Fails, Passes, Fails, Passes];
    check("held caller", expected, Preset::Timeout, async |world| {
        world.callee.now(Does::Answers, FOREVER);
        let began = Instant::now();
        let _ = world.call(read()).await;
        ensure!(began.elapsed() < SLOW_CALL, "the caller was held for {:?}", began.elapsed());
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_operator_sees_the_limit_of_the_next_attempt() {
    let limit = |preset, attempt| {
        let callees = Callees::default();
        callees.get("probe", preset, &Settings { attempt, ..Settings::default() });
        callees.snapshot()[0].attempt_limit_ms
    };
    let adaptive = AttemptSettings::Adaptive(AdaptiveAttempt::up_to(ATTEMPT));
    assert_eq!(limit(Preset::Timeout, AttemptSettings::Fixed(ATTEMPT_SHORT)), Some(25));
    assert_eq!(limit(Preset::Timeout, adaptive), Some(1_000), "nothing is known of the callee");
    assert_eq!(limit(Preset::None, adaptive), None, "the preset has none");
}
