//! The shortener's public API in memory, correct unless it has a misdeed.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use load::{
    journeys::{JourneyOptions, for_system},
    sender::{Arm, Limits, Sender},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::datetime};

use super::{Answer, Request, serve, target};

/// A misdeed of the fake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    None,
    /// Every tenth follow redirects to another target.
    WrongTarget,
    /// Every tenth link is acknowledged and not stored.
    LosesLinks,
    /// Every tenth follow is counted twice.
    DoublesClicks,
    /// Every tenth follow is not counted.
    LosesClicks,
    /// A follow is counted when its link is looked up, one per look-up.
    CountsLate,
    /// A follow is counted some time after the first look-up; until then the fake reports it as in flight.
    HoldsClicks,
    /// A follow is never counted, and the fake reports it as in flight for ever.
    HoldsClicksForGood,
    /// The same, and every second one is not reported either.
    HoldsAndLosesClicks,
    /// A follow is never counted, and the number in flight is unknown.
    HidesClicks,
    /// A follow is counted when its link is looked up, one per look-up; clicks in flight have no route.
    CountsLateUntold,
    /// Every tenth create gets the previous link's code and overwrites that link.
    ReusesCodes,
    /// Every tenth create is stored and gets no reply.
    StoresInSilence,
    /// Every tenth create is neither stored nor answered on its first attempt.
    ForgetsInSilence,
    /// Every tenth follow gets a 404.
    MissesLinks,
    /// Every tenth follow is refused with 503.
    Sheds,
    /// Every tenth follow on a used connection is counted, and the connection closed without a reply.
    HangsUp,
    /// An expired link still redirects.
    IgnoresExpiry,
    /// An expired link still redirects when followed, and only then.
    RedirectsExpired,
    /// Its clock is late by less than the tolerance, and early by as much on every second request.
    ExpiresByTwoClocks,
    /// Links with an end have ended as soon as they are created.
    ExpiresAtOnce,
    /// Clicks are counted by code, whichever link has it.
    InheritsClicks,
    /// Links with an end are refused.
    RefusesExpiry,
    /// Links with an end whose target ends in an even byte are refused.
    RefusesSomeExpiry,
    /// Chosen codes are refused.
    RefusesAliases,
    /// A delete takes effect after one more read of the link.
    DeletesLate,
    /// A delete is acknowledged and has no effect.
    NeverDeletes,
    /// The check's marker, which separates earlier creates from those of the check, gets a 500.
    FailsMarker,
    /// A look-up of a link with a reused code gets a 500.
    HidesLinksGivenAgain,
    /// A look-up gets a 500.
    FailsLookUps,
    /// A look-up gets its connection closed.
    DropsLookUps,
    /// A look-up of a link whose code ends in an even byte gets a 500.
    FailsSomeLookUps,
    /// A delete of a link whose code ends in an even byte gets a 500, and has no effect.
    FailsSomeDeletes,
    /// The same, for every code.
    FailsDeletes,
}

struct Link {
    target: String,
    clicks: u64,
    /// Clicks in flight.
    late: u64,
    /// The times of creation and expiry, by the fake's clock.
    created: OffsetDateTime,
    ends: Option<OffsetDateTime>,
    /// Whether the next read is the last one.
    leaving: bool,
}

/// The arrival of clicks in flight.
#[derive(Clone, Copy, Default)]
enum Arrival {
    /// One per look-up.
    #[default]
    ByLooks,
    /// The same, without being reported.
    Untold,
    /// All at this time, which the first look-up sets.
    At(Option<Instant>),
    /// Never.
    Never,
    /// Never, and a request for their number gets no reply.
    Hidden,
}

/// The time for which held clicks stay unchanged: longer than a check waits for.
const HELD_FOR: Duration = Duration::from_millis(1_500);

struct Store {
    links: HashMap<String, Link>,
    by_key: HashMap<String, String>,
    /// The clicks of deleted links.
    left: HashMap<String, u64>,
    /// Every reply has a different time.
    clock: OffsetDateTime,
    began: Instant,
    /// Whether the next check of an expiry uses the late clock or the early one.
    is_late: bool,
    follows: u64,
    creates: u64,
    /// The arrival of clicks in flight.
    arrival: Arrival,
    forgotten: Arc<AtomicU64>,
}

/// A running fake.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    misdeed: Arc<Mutex<Misdeed>>,
    pub(crate) traced: Arc<AtomicU64>,
    /// Creates that were neither stored nor answered.
    pub(crate) forgotten: Arc<AtomicU64>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let misdeed = Arc::new(Mutex::new(Misdeed::None));
        let traced = Arc::new(AtomicU64::new(0));
        let forgotten = Arc::new(AtomicU64::new(0));
        let store = Mutex::new(Store::new(Arc::clone(&forgotten)));
        let (decided, counted) = (Arc::clone(&misdeed), Arc::clone(&traced));
        let address = serve(move |request| {
            counted.fetch_add(u64::from(request.header("traceparent").is_some()), Ordering::Relaxed);
            let misdeed = *decided.lock().unwrap();
            store.lock().unwrap().answer(request, misdeed)
        });
        Self { address, misdeed, traced, forgotten }
    }

    pub(crate) fn behave(&self, misdeed: Misdeed) {
        *self.misdeed.lock().unwrap() = misdeed;
    }
}

/// The fake's start, by its own clock, which agrees with no other.
const EPOCH: OffsetDateTime = datetime!(2026-01-01 00:00 UTC);
/// The error of its two clocks.
const SKEW: Duration = Duration::from_millis(800);

impl Store {
    fn new(forgotten: Arc<AtomicU64>) -> Self {
        Self {
            links: HashMap::new(),
            by_key: HashMap::new(),
            left: HashMap::new(),
            clock: EPOCH,
            began: Instant::now(),
            is_late: false,
            follows: 0,
            creates: 0,
            arrival: Arrival::default(),
            forgotten,
        }
    }

    /// Whether a link has ended, under a misdeed.
    fn has_ended(&mut self, code: &str, is_followed: bool, misdeed: Misdeed) -> bool {
        let Some(ends) = self.links.get(code).and_then(|link| link.ends) else { return false };
        self.is_late ^= true;
        match misdeed {
            Misdeed::IgnoresExpiry => false,
            Misdeed::RedirectsExpired if is_followed => false,
            Misdeed::ExpiresAtOnce => true,
            Misdeed::ExpiresByTwoClocks if self.is_late => self.clock >= ends + SKEW,
            Misdeed::ExpiresByTwoClocks => self.clock >= ends - SKEW,
            _ => self.clock >= ends,
        }
    }

    fn answer(&mut self, request: &Request, misdeed: Misdeed) -> Answer {
        self.clock = (self.clock + Duration::from_nanos(1)).max(EPOCH + self.began.elapsed());
        let is_followed = request.method == "GET" && !request.path.starts_with("/links/");
        let code = request.path.trim_start_matches("/links").trim_start_matches('/');
        if request.method != "DELETE" && self.has_ended(code, is_followed, misdeed) {
            return Answer::status(410, "", "");
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/links")
                if misdeed == Misdeed::FailsMarker && request.body.contains(&u64::MAX.to_string()) =>
            {
                Answer::status(500, "", "")
            }
            ("POST", "/links") => self.create(request, misdeed),
            ("GET", "/clicks/pending") => self.pending(),
            ("GET", path) => match path.strip_prefix("/links/") {
                Some(_) if misdeed == Misdeed::FailsLookUps => Answer::status(500, "", ""),
                Some(_) if misdeed == Misdeed::DropsLookUps => Answer::Close,
                Some(code) if misdeed == Misdeed::HidesLinksGivenAgain && code.ends_with("-again") => {
                    Answer::status(500, "", "")
                }
                Some(code) if misdeed == Misdeed::FailsSomeLookUps && ends_evenly(code) => {
                    Answer::status(500, "", "")
                }
                Some(code) => self.look_up(code),
                None if request.nth == 0 && misdeed == Misdeed::HangsUp => {
                    self.follow(&path[1..], Misdeed::None)
                }
                None => self.follow(&path[1..], misdeed),
            },
            ("HEAD", path) => self.look(&path[1..]),
            ("DELETE", path) => {
                let code = &path["/links/".len()..];
                match misdeed {
                    Misdeed::NeverDeletes => {}
                    Misdeed::FailsDeletes => return Answer::status(500, "", ""),
                    Misdeed::FailsSomeDeletes if ends_evenly(code) => return Answer::status(500, "", ""),
                    Misdeed::DeletesLate => {
                        self.links.get_mut(code).into_iter().for_each(|link| link.leaving = true);
                    }
                    _ => {
                        let gone = self.links.remove(code);
                        self.left.extend(gone.map(|link| (code.to_owned(), link.clicks)));
                    }
                }
                Answer::status(204, "", "")
            }
            _ => Answer::status(405, "", ""),
        }
    }

    /// The reply to a follow, without following.
    fn look(&mut self, code: &str) -> Answer {
        let Some(link) = self.links.get(code) else { return Answer::status(404, "", "") };
        let answer = Answer::status(302, &format!("Location: {}\r\n", link.target), "");
        if link.leaving {
            self.links.remove(code);
        }
        answer
    }

    fn create(&mut self, request: &Request, misdeed: Misdeed) -> Answer {
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let target = body["target"].as_str().unwrap().to_owned();
        let ends = body["expires_at"].as_str().map(|ends| OffsetDateTime::parse(ends, &Rfc3339).unwrap());
        if ends.is_some() && misdeed == Misdeed::RefusesExpiry {
            return Answer::status(422, "", "");
        }
        let is_refused = match misdeed {
            Misdeed::RefusesSomeExpiry => ends.is_some() && ends_evenly(&target),
            Misdeed::RefusesAliases => body["alias"].is_string(),
            _ => false,
        };
        if is_refused {
            return Answer::status(422, "", "");
        }
        let key = request.header("Idempotency-Key").unwrap().to_owned();
        if let Some(code) = self.by_key.get(&key) {
            return Self::created(code, &self.links[code]);
        }
        self.creates += 1;
        let tenth = self.creates.is_multiple_of(10);
        if tenth && misdeed == Misdeed::ForgetsInSilence {
            self.forgotten.fetch_add(1, Ordering::Relaxed);
            return Answer::Silence;
        }
        let reuse = u64::from(tenth && misdeed == Misdeed::ReusesCodes);
        let code = body["alias"].as_str().map_or_else(|| format!("c{}", self.creates - reuse), str::to_owned);
        let clicks = if misdeed == Misdeed::InheritsClicks { self.left.get(&code).copied() } else { None };
        let link =
            Link { target, clicks: clicks.unwrap_or(0), late: 0, created: self.clock, ends, leaving: false };
        let answer = Self::created(&code, &link);
        if !(tenth && misdeed == Misdeed::LosesLinks) {
            self.by_key.insert(key, code.clone());
            self.links.insert(code, link);
        }
        if tenth && misdeed == Misdeed::StoresInSilence { Answer::Silence } else { answer }
    }

    fn follow(&mut self, code: &str, misdeed: Misdeed) -> Answer {
        self.follows += 1;
        let arrival = match misdeed {
            Misdeed::CountsLate => Some(Arrival::ByLooks),
            Misdeed::CountsLateUntold => Some(Arrival::Untold),
            Misdeed::HoldsClicks => Some(Arrival::At(None)),
            Misdeed::HoldsClicksForGood | Misdeed::HoldsAndLosesClicks => Some(Arrival::Never),
            Misdeed::HidesClicks => Some(Arrival::Hidden),
            _ => None,
        };
        let always = arrival.is_some();
        self.arrival = arrival.unwrap_or(self.arrival);
        let is_lost = misdeed == Misdeed::HoldsAndLosesClicks && self.follows.is_multiple_of(2);
        let misdeed = if always || self.follows.is_multiple_of(10) { misdeed } else { Misdeed::None };
        let Some(link) = self.links.get_mut(code) else { return Answer::status(404, "", "") };
        if misdeed == Misdeed::MissesLinks {
            return Answer::status(404, "", "");
        }
        if misdeed == Misdeed::Sheds {
            return Answer::status(503, "Content-Type: application/problem+json\r\n", r#"{"status":503}"#);
        }
        link.clicks += match misdeed {
            Misdeed::DoublesClicks => 2,
            Misdeed::LosesClicks => 0,
            _ => u64::from(!always),
        };
        link.late += u64::from(always && !is_lost);
        if misdeed == Misdeed::HangsUp {
            return Answer::Close;
        }
        let target =
            if misdeed == Misdeed::WrongTarget { "https://example.com/elsewhere" } else { &link.target };
        Answer::status(302, &format!("Location: {target}\r\n"), "")
    }

    fn look_up(&mut self, code: &str) -> Answer {
        match self.links.get_mut(code) {
            Some(link) => {
                let arrived = match &mut self.arrival {
                    Arrival::ByLooks | Arrival::Untold => link.late.min(1),
                    Arrival::At(at) => {
                        let at = *at.get_or_insert_with(|| Instant::now() + HELD_FOR);
                        if Instant::now() < at { 0 } else { link.late }
                    }
                    Arrival::Never | Arrival::Hidden => 0,
                };
                link.late -= arrived;
                link.clicks += arrived;
                Answer::status(200, "", &Self::json(code, link))
            }
            None => Answer::status(404, "", ""),
        }
    }

    /// The number of clicks in flight.
    fn pending(&self) -> Answer {
        match self.arrival {
            Arrival::Untold => Answer::status(404, "", ""),
            Arrival::Hidden => Answer::status(503, "", ""),
            _ => {
                let pending: u64 = self.links.values().map(|link| link.late).sum();
                Answer::status(200, "", &format!(r#"{{"pending":{pending}}}"#))
            }
        }
    }

    fn created(code: &str, link: &Link) -> Answer {
        Answer::status(201, &format!("Location: /{code}\r\n"), &Self::json(code, link))
    }

    fn json(code: &str, link: &Link) -> String {
        let Link { target, clicks, created, .. } = link;
        let created = created.format(&Rfc3339).unwrap();
        format!(
            r#"{{"code":"{code}","target":"{target}","created_at":"{created}","expires_at":null,"clicks":{clicks}}}"#
        )
    }
}

/// Whether a code ends in an even byte: about half of all.
fn ends_evenly(code: &str) -> bool {
    code.bytes().last().is_some_and(|last| last.is_multiple_of(2))
}

/// The number of links that a sender prepares.
pub(crate) const LINKS: usize = 50;

/// The options of journeys over [`LINKS`] links.
pub(crate) fn options(mix: &str) -> JourneyOptions {
    JourneyOptions { seed: 42, mix: Some(mix.to_owned()), things: LINKS, ..JourneyOptions::default() }
}

/// A sender of one arm, with these options.
pub(crate) fn sender_of(fake: &Fake, options: &JourneyOptions, limits: &Limits) -> Sender {
    let journeys = for_system("shortener", options).unwrap();
    Sender::new(vec![Arm { target: target(fake.address), journeys }], limits).unwrap()
}
