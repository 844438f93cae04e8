//! Journeys with nothing before and after the load.

use load::{
    journey::Journeys,
    journeys::{Check, PrepareError, Progress, SystemJourneys},
    ledger::LedgerVerdict,
    live::LiveJourneys,
    sender::Lane,
};

/// Operations of requests and replies, and nothing else.
#[derive(Clone, Copy)]
pub(crate) struct Bare<J>(pub(crate) J);

impl<J: Journeys + Clone + 'static> SystemJourneys for Bare<J> {
    fn prepare(
        &mut self,
        _lane: &mut Lane,
        _progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        Ok(())
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        &mut self.0
    }

    fn check(&mut self, _lane: &mut Lane, _check: &Check) -> LedgerVerdict {
        LedgerVerdict::default()
    }

    fn fork(&self, _nth: u64) -> Box<dyn SystemJourneys> {
        Box::new(self.clone())
    }
}

/// Operations over connections that are held open, of this number, and nothing else.
pub(crate) struct BareLive<L>(pub(crate) usize, pub(crate) L);

impl<L: LiveJourneys + 'static> SystemJourneys for BareLive<L> {
    fn prepare(
        &mut self,
        _lane: &mut Lane,
        _progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        Ok(())
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        panic!("nothing is requested")
    }

    fn live_connections(&self) -> usize {
        self.0
    }

    fn live(&mut self) -> Option<&mut dyn LiveJourneys> {
        Some(&mut self.1)
    }

    fn check(&mut self, _lane: &mut Lane, _check: &Check) -> LedgerVerdict {
        LedgerVerdict::default()
    }

    fn fork(&self, _nth: u64) -> Box<dyn SystemJourneys> {
        panic!("nobody needs another one")
    }
}
