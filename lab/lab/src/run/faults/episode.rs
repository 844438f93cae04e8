//! What the threads of an episode's faults share: its start, its end, and which faults are over.

use std::{
    collections::BTreeSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// An episode. The generator's thread begins and ends it; the threads of faults wait for either.
#[derive(Debug, Default)]
pub(super) struct Episode {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The start of its measured slice.
    start: Option<Instant>,
    is_over: bool,
    /// The faults that are over.
    ended: BTreeSet<usize>,
}

impl Episode {
    /// Its measured slice starts.
    pub(super) fn begin(&self, start: Instant) {
        self.change(|state| state.start = Some(start));
    }

    /// It ends.
    pub(super) fn end(&self) {
        self.change(|state| state.is_over = true);
    }

    /// A fault is over.
    pub(super) fn fault_ended(&self, fault: usize) {
        self.change(|state| _ = state.ended.insert(fault));
    }

    /// Waits for its start; `None` if it ends first.
    pub(super) fn start(&self) -> Option<Instant> {
        let waits = |state: &mut State| state.start.is_none() && !state.is_over;
        let state = self.changed.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        state.start.filter(|_| !state.is_over)
    }

    /// Waits until these faults are over; `false` if the episode ends first.
    pub(super) fn faults_ended(&self, faults: &[usize]) -> bool {
        let waits = |state: &mut State| !state.is_over && !faults.iter().all(|one| state.ended.contains(one));
        let state = self.changed.wait_while(self.state(), waits).unwrap_or_else(PoisonError::into_inner);
        !state.is_over
    }

    /// Whether it ends within this time.
    pub(super) fn ends_within(&self, time: Duration) -> bool {
        let waits = |state: &mut State| !state.is_over;
        let waited = self.changed.wait_timeout_while(self.state(), time, waits);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_over
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
