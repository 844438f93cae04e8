//! The databases or keys of an arm on a server that is not the lab's.

use std::sync::{Arc, Mutex, PoisonError};

use crate::interrupt::Interrupt;

/// A clean-up guard: holds databases or keys on a given server, whose drop removes them. They are dropped
/// with this guard, or when a second Ctrl-C ends the lab.
pub(super) struct CleanupGuard {
    things: Things,
}

type Things = Arc<Mutex<Option<Box<dyn Send>>>>;

impl CleanupGuard {
    pub(super) fn new(things: impl Send + 'static, interrupt: &Interrupt) -> Self {
        let things: Things = Arc::new(Mutex::new(Some(Box::new(things))));
        let at_end = Arc::clone(&things);
        interrupt.at_end(move || remove(&at_end));
        Self { things }
    }
}

impl Drop for CleanupGuard {
    fn drop(&mut self) {
        remove(&self.things);
    }
}

/// A second caller waits for the first.
fn remove(things: &Things) {
    let mut place = things.lock().unwrap_or_else(PoisonError::into_inner);
    drop(place.take());
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// Counts its removals, each with a request to a server.
    struct Thing(Arc<AtomicU32>);

    impl Drop for Thing {
        fn drop(&mut self) {
            let asking = tokio::runtime::Builder::new_current_thread().build().unwrap();
            asking.block_on(async { self.0.fetch_add(1, Ordering::SeqCst) });
        }
    }

    #[test]
    fn what_was_lent_is_removed_once_whoever_ends_first() {
        for ends_at_once in [true, false] {
            let (removed, interrupt) = (Arc::new(AtomicU32::new(0)), Interrupt::never());
            let guard = CleanupGuard::new(Thing(Arc::clone(&removed)), &interrupt);
            if ends_at_once {
                // As it happens: in the event loop that handles signals.
                let listening = tokio::runtime::Builder::new_current_thread().build().unwrap();
                listening.block_on(async { interrupt.do_at_end() });
                assert_eq!(removed.load(Ordering::SeqCst), 1);
            }
            drop(guard);
            interrupt.do_at_end();
            assert_eq!(removed.load(Ordering::SeqCst), 1);
        }
    }
}
