//! Creates that were sent and have no reply.
//!
//! A replay with the same `Idempotency-Key` returns the link that the first request created, or creates it
//! now.
//! The link's `created_at` is compared with that of a marker link created just before. Both are times of the
//! system's own clock, so the generator's clock does not matter.

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        request_list::RequestList,
        shortener::{
            api::{self, LinkTarget},
            facts,
        },
    },
    ledger::LedgerVerdict,
};

/// The number of the marker link; no other link has it.
const MARKER: u64 = u64::MAX;

/// The marker, then every indeterminate create.
pub(super) struct Replays<'a, Numbers: Iterator<Item = u64>> {
    seed: u64,
    numbers: std::iter::Peekable<Numbers>,
    marker_asked: bool,
    marker: Option<String>,
    verdict: &'a mut LedgerVerdict,
    held: bool,
}

impl<'a, Numbers: Iterator<Item = u64>> Replays<'a, Numbers> {
    pub(super) fn new(seed: u64, numbers: Numbers, verdict: &'a mut LedgerVerdict) -> Self {
        verdict.note(facts::INDETERMINATE_PRESENT, 0);
        verdict.note(facts::INDETERMINATE_ABSENT, 0);
        Self { seed, numbers: numbers.peekable(), marker_asked: false, marker: None, verdict, held: true }
    }

    pub(super) fn has_questions(&mut self) -> bool {
        self.numbers.peek().is_some()
    }

    /// Permits the requests after the marker.
    pub(super) fn go_on(&mut self) {
        self.held = false;
    }
}

impl<Numbers: Iterator<Item = u64> + Send> RequestList for Replays<'_, Numbers> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if !self.marker_asked {
            self.marker_asked = true;
            return Some(MARKER);
        }
        if self.held { None } else { self.numbers.next() }
    }

    fn write(&self, &number: &u64, request: &mut RequestBuf) {
        api::create(LinkTarget { seed: self.seed, number }, request);
    }

    fn accept(&mut self, &number: &u64, reply: &Reply<'_>) -> bool {
        let (201, Some(view)) = (reply.status, api::view(reply)) else { return false };
        let created = view.created_at.trim_end_matches('Z').to_owned();
        if number == MARKER {
            self.marker = Some(created);
            return true;
        }
        // RFC 3339 times in UTC sort as text without the `Z`. Without a marker the result is unknown.
        if let Some(marker) = &self.marker {
            let is_before = created < *marker;
            let found = if is_before { facts::INDETERMINATE_PRESENT } else { facts::INDETERMINATE_ABSENT };
            self.verdict.note(found, 1);
        }
        let target = LinkTarget { seed: self.seed, number };
        if !target.is(&view.target, &mut String::new()) {
            self.verdict
                .broken(facts::WRONG, || format!("a replay for `{target}` returned `{}`", view.target));
        }
        true
    }
}
