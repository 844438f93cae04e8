//! The chain's public API in memory: right pages and reviews, unless it has a misdeed.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::{Value, json};

use super::{Answer, Request, serve};

/// A misdeed of the fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    None,
    /// Every tenth page lacks its last part.
    LeavesOut,
    /// Every tenth page has its first part in place of its last.
    Doubles,
    /// Every tenth page has a part of another page.
    MixesUp,
    /// Every tenth page is another page.
    GivesAnother,
    /// Every tenth page is no page.
    Babbles,
    /// Every tenth review is of another page.
    MixesUpReviews,
    /// Every tenth request is refused as unavailable.
    Refuses,
    /// `GET /pages` says nothing of parts.
    Conceals,
}

/// How many parts a page of the fake has.
pub(crate) const PARTS: u64 = 3;

/// A running fake.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    misdeed: Arc<Mutex<Misdeed>>,
    /// How often it misbehaved.
    pub(crate) misbehaved: Arc<AtomicU64>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let misdeed = Arc::new(Mutex::new(Misdeed::None));
        let misbehaved = Arc::<AtomicU64>::default();
        let (decided, counted, asked) = (Arc::clone(&misdeed), Arc::clone(&misbehaved), AtomicU64::new(0));
        let address = serve(move |request| {
            let misdeed = *decided.lock().unwrap();
            let is_tenth = request.path != "/pages" && asked.fetch_add(1, Ordering::Relaxed) % 10 == 9;
            let is_bad = misdeed != Misdeed::None && is_tenth;
            counted.fetch_add(u64::from(is_bad), Ordering::Relaxed);
            let whole = if misdeed == Misdeed::Conceals { misdeed } else { Misdeed::None };
            answer(request, if is_bad { misdeed } else { whole })
        });
        Self { address, misdeed, misbehaved }
    }

    pub(crate) fn behave(&self, misdeed: Misdeed) {
        *self.misdeed.lock().unwrap() = misdeed;
    }
}

fn answer(request: &Request, misdeed: Misdeed) -> Answer {
    let path: Vec<&str> = request.path.split('/').collect();
    let number = |text: &str| text.parse::<u64>().unwrap();
    let body = match (misdeed, &path[..]) {
        (Misdeed::Refuses, _) => return Answer::status(503, "", ""),
        (Misdeed::Conceals, ["", "pages"]) => json!({}),
        (Misdeed::Babbles, _) => return Answer::status(200, "", "pages are made of parts"),
        (_, ["", "pages"]) => json!({ "parts": PARTS }),
        (Misdeed::MixesUpReviews, ["", "pages", page, "reviews"]) => review(number(page) + 1),
        (_, ["", "pages", page, "reviews"]) => review(number(page)),
        (Misdeed::GivesAnother, ["", "pages", page, ..]) => page_of(number(page) + 1, misdeed),
        (_, ["", "pages", page, ..]) => page_of(number(page), misdeed),
        _ => return Answer::status(404, "", ""),
    };
    Answer::status(200, "", &body.to_string())
}

fn review(page: u64) -> Value {
    json!({ "page": page, "stars": 1 + page % 5 })
}

fn page_of(page: u64, misdeed: Misdeed) -> Value {
    let part =
        |number: u64, page: u64| json!({ "number": number, "text": format!("part {number} of page {page}") });
    let mut parts: Vec<Value> = (1..=PARTS).map(|number| part(number, page)).collect();
    match misdeed {
        Misdeed::LeavesOut => drop(parts.pop()),
        Misdeed::Doubles => parts[PARTS as usize - 1] = parts[0].clone(),
        Misdeed::MixesUp => parts[0] = part(1, page + 1),
        _ => {}
    }
    json!({ "page": page, "parts": parts })
}
