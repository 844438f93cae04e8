//! What an arm has on a server that is not the lab's.

use std::sync::{Arc, Mutex, PoisonError};

use crate::interrupt::Interrupt;

/// Databases or keys on a given server, which their own drop removes. They are dropped with this, or when a second
/// Ctrl-C ends the lab.
pub(in crate::process) struct Lent {
    things: Things,
}

type Things = Arc<Mutex<Option<Box<dyn Send>>>>;

impl Lent {
    pub(in crate::process) fn new(things: impl Send + 'static, interrupt: &Interrupt) -> Self {
        let things: Things = Arc::new(Mutex::new(Some(Box::new(things))));
        let at_end = Arc::clone(&things);
        interrupt.at_end(move || remove(&at_end));
        Self { things }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        remove(&self.things);
    }
}

/// Whoever comes second waits for the first.
fn remove(things: &Things) {
    let mut place = things.lock().unwrap_or_else(PoisonError::into_inner);
    drop(place.take());
}
