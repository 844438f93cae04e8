//! Who is checked: ours, the naive ones, and tower-resilience's.

use std::{sync::Arc, time::Duration};

use resilience::{
    BreakerMetrics, Callees, Failure, Preset, RetryCounters, RetryPolicy, Rule, Settings,
    breaker::{Breaker, BreakerLayer},
    settings::{BreakerSettings, RetrySettings, WindowSettings},
};
use tower::{Layer as _, retry::RetryLayer, util::BoxCloneSyncService};

use crate::{
    Expected, Verdict, judge, naive, theirs,
    world::{Callee, Caller, MS, Wall, World},
};

/// How long a breaker of the checks stays open, at first and at most.
pub(crate) const OPEN: Duration = Duration::from_millis(200);
pub(crate) const CAP: Duration = Duration::from_millis(400);
/// The duration of a slow call.
pub(crate) const SLOW: Duration = Duration::from_millis(100);
/// When a probe has failed.
pub(crate) const PROBE_LIMIT: Duration = Duration::from_millis(250);
/// Probes.
pub(crate) const PROBES: usize = 3;
/// Calls in a window by count; no rate counts below half of them.
pub(crate) const WINDOW: usize = 20;

/// The settings of every breaker in the checks.
pub(crate) fn breaker_settings() -> BreakerSettings {
    BreakerSettings {
        slow_call: SLOW,
        window: WindowSettings::Calls(WINDOW),
        minimum_calls: WINDOW as u32,
        open_base: OPEN,
        open_cap: CAP,
        open_jitter: 0.0,
        probes: PROBES as u32,
        probe_limit: PROBE_LIMIT,
        ..BreakerSettings::default()
    }
}

pub(crate) fn our_breaker(settings: BreakerSettings, callee: Callee) -> Caller {
    let breaker = Breaker::new("probe", settings, 1, BreakerMetrics::default());
    BoxCloneSyncService::new(BreakerLayer::new(breaker).layer(callee))
}

/// Puts a check through each breaker.
pub(crate) async fn check_breakers(
    check: &str,
    settings: BreakerSettings,
    theirs: Expected,
    run: impl AsyncFn(&World) -> Verdict,
) {
    let ours = World::new(false, |callee, _| our_breaker(settings, callee));
    judge(check, "ours", &run(&ours).await, Expected::Passes);
    let naive = World::new(false, |callee, wall| naive::breaker(settings, callee, wall));
    judge(check, "naive", &run(&naive).await, Expected::Fails);
    let other = World::new(true, |callee, _| theirs::breaker(settings, callee));
    judge(check, "tower-resilience", &run(&other).await, theirs);
}

/// Retries of the checks: four, without jitter worth speaking of.
pub(crate) fn retry_settings() -> RetrySettings {
    RetrySettings { attempts: 5, backoff_base: 20 * MS, backoff_cap: 200 * MS, ..RetrySettings::default() }
}

/// One process, in which several clients may call the same callee.
pub(crate) enum Process {
    Ours(Callees),
    Naive,
    Theirs(theirs::Budget),
}

impl Process {
    /// One more client of the callee.
    pub(crate) fn client(&self, callee: Callee) -> Caller {
        match self {
            Self::Ours(callees) => {
                let settings = Settings { retry: retry_settings(), ..Settings::default() };
                let known = callees.get("probe", Preset::BudgetedRetry, &settings);
                resilience::stack(&known, callee)
            }
            Self::Naive => naive::retry(retry_settings(), callee),
            Self::Theirs(budget) => theirs::retry(retry_settings(), budget, callee),
        }
    }
}

/// Puts a check through each retry. It gets a world with one client, and the process for more.
pub(crate) async fn check_retries(
    check: &str,
    theirs: Expected,
    run: impl AsyncFn(&World, &Process) -> Verdict,
) {
    for (subject, process, expected) in [
        ("ours", Process::Ours(Callees::default()), Expected::Passes),
        ("naive", Process::Naive, Expected::Fails),
        ("tower-resilience", Process::Theirs(theirs::budget()), theirs),
    ] {
        let world = World::new(false, |callee, _: Wall| process.client(callee));
        judge(check, subject, &run(&world, &process).await, expected);
    }
}

/// Ours without the layers around it.
pub(crate) fn our_retry_alone(callee: Callee) -> Caller {
    let settings = retry_settings();
    let budget = Arc::new(tower::retry::budget::TpsBudget::default());
    let random = Arc::new(resilience::Random::new(1));
    let again = RetryPolicy::new(Rule::Budgeted, settings, budget, random, RetryCounters::default());
    BoxCloneSyncService::new(RetryLayer::new(again).layer(callee))
}

/// Whether a layer of the caller rejected the call.
pub(crate) fn is_rejected(result: &Result<(), Failure>) -> bool {
    result.as_ref().is_err_and(Failure::is_rejected)
}
