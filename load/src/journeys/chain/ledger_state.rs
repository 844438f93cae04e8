//! What the replies were worth: each is compared when it arrives, because nothing is stored.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::{
    api::{PageView, ReviewView},
    facts,
};
use crate::ledger::LedgerVerdict;

/// The counts of all threads.
#[derive(Debug)]
pub(super) struct LedgerState {
    /// How many parts a page has.
    parts: u32,
    replies: AtomicU64,
    pages: AtomicU64,
    previews: AtomicU64,
    reviews: AtomicU64,
    missing: AtomicU64,
    doubled: AtomicU64,
    wrong: AtomicU64,
    reviews_wrong: AtomicU64,
    /// The first reply that was wrong, in words.
    first: Mutex<Option<String>>,
}

impl Default for LedgerState {
    fn default() -> Self {
        Self::of(1)
    }
}

/// What is wrong with a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Faults {
    missing: u64,
    doubled: u64,
    wrong: u64,
}

impl LedgerState {
    /// Of pages with so many parts.
    pub(super) fn of(parts: u32) -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            parts,
            replies: zero(),
            pages: zero(),
            previews: zero(),
            reviews: zero(),
            missing: zero(),
            doubled: zero(),
            wrong: zero(),
            reviews_wrong: zero(),
            first: Mutex::default(),
        }
    }

    /// Judges the page of this number; whether it is right.
    pub(super) fn page(&self, number: u64, body: &[u8], scratch: &mut String) -> bool {
        let is_right = self.is_page(number, body, scratch);
        self.pages.fetch_add(u64::from(is_right), Ordering::Relaxed);
        is_right
    }

    /// Judges a preview of the page of this number; whether it is right.
    pub(super) fn preview(&self, number: u64, body: &[u8], scratch: &mut String) -> bool {
        let is_right = self.is_page(number, body, scratch);
        self.previews.fetch_add(u64::from(is_right), Ordering::Relaxed);
        is_right
    }

    fn is_page(&self, number: u64, body: &[u8], scratch: &mut String) -> bool {
        let faults = match serde_json::from_slice::<PageView<'_>>(body) {
            Ok(page) => self.faults(number, &page, scratch),
            Err(_) => Faults { wrong: 1, ..Faults::default() },
        };
        self.replies.fetch_add(1, Ordering::Relaxed);
        if faults == Faults::default() {
            return true;
        }
        self.missing.fetch_add(faults.missing, Ordering::Relaxed);
        self.doubled.fetch_add(faults.doubled, Ordering::Relaxed);
        self.wrong.fetch_add(faults.wrong, Ordering::Relaxed);
        self.story(|| format!("page {number}: {faults:?}"));
        false
    }

    /// Judges the review of this page; whether it is right.
    pub(super) fn review(&self, number: u64, body: &[u8]) -> bool {
        let is_right = serde_json::from_slice::<ReviewView>(body).is_ok_and(|review| review.is_of(number));
        self.replies.fetch_add(1, Ordering::Relaxed);
        self.reviews.fetch_add(u64::from(is_right), Ordering::Relaxed);
        if !is_right {
            self.reviews_wrong.fetch_add(1, Ordering::Relaxed);
            self.story(|| format!("the review of page {number} is of another page"));
        }
        is_right
    }

    fn faults(&self, number: u64, page: &PageView<'_>, scratch: &mut String) -> Faults {
        let mut seen = vec![false; self.parts as usize];
        let mut faults = Faults { wrong: u64::from(page.page != number), ..Faults::default() };
        for part in &page.parts {
            // Parts are numbered from one.
            let place = (part.number as usize).checked_sub(1).and_then(|at| seen.get_mut(at));
            let Some(place) = place.filter(|_| part.is_of(number, scratch)) else {
                faults.wrong += 1;
                continue;
            };
            faults.doubled += u64::from(std::mem::replace(place, true));
        }
        faults.missing = seen.iter().filter(|seen| !**seen).count() as u64;
        faults
    }

    fn story(&self, story: impl FnOnce() -> String) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(story);
    }

    /// The facts so far.
    pub(super) fn verdict(&self) -> LedgerVerdict {
        let replies = self.replies.load(Ordering::Relaxed);
        let mut verdict = LedgerVerdict { complete: true, ..LedgerVerdict::default() };
        verdict.note(facts::CHECKED, replies);
        verdict.note(facts::ACKNOWLEDGED, replies);
        for (fact, count) in
            [(facts::PAGES, &self.pages), (facts::PREVIEWS, &self.previews), (facts::REVIEWS, &self.reviews)]
        {
            verdict.note(fact, count.load(Ordering::Relaxed));
        }
        for (fact, count) in [
            (facts::PARTS_MISSING, &self.missing),
            (facts::PARTS_DOUBLED, &self.doubled),
            (facts::PARTS_WRONG, &self.wrong),
            (facts::REVIEWS_WRONG, &self.reviews_wrong),
        ] {
            verdict.breach(fact, count.load(Ordering::Relaxed));
        }
        if let Some(story) = self.first.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            verdict.example(|| story);
        }
        verdict
    }
}
