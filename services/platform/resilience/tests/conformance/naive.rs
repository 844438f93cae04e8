//! What one writes first: each has the bugs that the checks are about.

use std::{
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use contract::Why;
use resilience::{
    Failure,
    settings::{BreakerSettings, RetrySettings, WindowSettings},
};
use tower::{
    Service,
    retry::budget::{Budget as _, TpsBudget},
    util::BoxCloneSyncService,
};

use crate::world::{Call, Callee, Caller, Reply, Wall};

/// A breaker that counts failures in a row, by the wall clock, without generations, guards or a cap.
pub(crate) fn breaker(settings: BreakerSettings, callee: Callee, wall: Wall) -> Caller {
    let state = Arc::new(Mutex::new(Circuit::default()));
    BoxCloneSyncService::new(NaiveBreaker { settings, wall, state, callee })
}

#[derive(Default)]
struct Circuit {
    is_open: bool,
    /// While it is open and its time is up: probes, of which the ended ones with an outcome leave.
    probes: u32,
    since: i64,
    in_a_row: u32,
    openings: u32,
    succeeded: Vec<i64>,
}

#[derive(Clone)]
struct NaiveBreaker {
    settings: BreakerSettings,
    wall: Wall,
    state: Arc<Mutex<Circuit>>,
    callee: Callee,
}

impl NaiveBreaker {
    /// Whether a call may pass.
    fn admits(&self) -> bool {
        let mut state = self.state.lock().unwrap();
        if !state.is_open {
            return true;
        }
        let wait = self.settings.open_base.as_millis() as i64 * 2_i64.pow(state.openings.min(40) - 1);
        // It looks at the probes that ended, so all that come at once pass; and what never ends stays.
        let has_room = state.probes < 10 * self.settings.probes;
        if self.wall.millis() - state.since >= wait && has_room {
            state.probes += 1;
            return true;
        }
        false
    }

    fn note(&self, result: &Result<(), Failure>) {
        let mut state = self.state.lock().unwrap();
        let now = self.wall.millis();
        match result.as_ref().map_err(|failure| failure.unavailable.why) {
            // Neither a success nor a failure, so nothing is noted; the probe keeps its place.
            Err(Why::Rejected | Why::Misunderstood) => {}
            // It answered, did it not?
            Ok(()) | Err(Why::Overloaded) => {
                state.in_a_row = 0;
                state.succeeded.push(now);
                if let WindowSettings::Time(window) = self.settings.window {
                    state.succeeded.retain(|at| now - at < window.as_millis() as i64);
                }
                let enough = state.succeeded.len() >= self.settings.probes as usize;
                if state.is_open && enough {
                    *state = Circuit { openings: state.openings, ..Circuit::default() };
                }
            }
            Err(_) => {
                state.in_a_row += 1;
                if state.is_open || state.in_a_row >= self.settings.failures_in_a_row {
                    let openings = state.openings + 1;
                    *state = Circuit { is_open: true, since: now, openings, ..Circuit::default() };
                }
            }
        }
    }
}

impl Service<Call> for NaiveBreaker {
    type Response = ();
    type Error = Failure;
    type Future = Reply;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.callee.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        if !self.admits() {
            return Box::pin(async { Err(Failure::rejected("probe")) });
        }
        let (this, reply) = (self.clone(), self.callee.call(call));
        Box::pin(async move {
            let result = reply.await;
            this.note(&result);
            result
        })
    }
}

/// A loop: all failures, at once, and a budget that each client makes for itself.
pub(crate) fn retry(settings: RetrySettings, callee: Callee) -> Caller {
    let budget = Arc::new(TpsBudget::default());
    BoxCloneSyncService::new(NaiveRetry { settings, budget, callee })
}

#[derive(Clone)]
struct NaiveRetry {
    settings: RetrySettings,
    budget: Arc<TpsBudget>,
    callee: Callee,
}

impl Service<Call> for NaiveRetry {
    type Response = ();
    type Error = Failure;
    type Future = Reply;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.callee.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let Self { settings, budget, mut callee } = self.clone();
        let first = self.callee.call(call.clone());
        Box::pin(async move {
            let mut result = first.await;
            for _ in 1..settings.attempts {
                // A call that timed out has waited long enough.
                let is_timed_out =
                    matches!(&result, Err(failure) if failure.unavailable.why == Why::TimedOut);
                if result.is_ok() || is_timed_out || !budget.withdraw() {
                    break;
                }
                tokio::time::sleep(settings.backoff_base).await;
                result = callee.call(call.clone()).await;
            }
            result
        })
    }
}

/// A second attempt for every call, in a task of its own.
#[derive(Clone)]
pub(crate) struct NaiveHedge {
    pub(crate) after: Duration,
    pub(crate) callee: Callee,
}

impl Service<Call> for NaiveHedge {
    type Response = ();
    type Error = Failure;
    type Future = Reply;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.callee.poll_ready(context)
    }

    fn call(&mut self, call: Call) -> Self::Future {
        let (after, mut second) = (self.after, self.callee.clone());
        let first = tokio::spawn(self.callee.call(call.clone()));
        Box::pin(async move {
            tokio::pin!(first);
            let waited = tokio::time::timeout(after, &mut first).await;
            if let Ok(result) = waited {
                return result.unwrap();
            }
            let second = tokio::spawn(second.call(call));
            tokio::select! {
                result = first => result.unwrap(),
                result = second => result.unwrap(),
            }
        })
    }
}
