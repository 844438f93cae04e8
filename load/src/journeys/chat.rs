//! The chat: members of rooms write, and everybody in a room gets every message, once and in order.
//!
//! - [`mix`]: how many are in a room, and what happens to their connections;
//! - `crowd`: who is in which room and what they write, worked out from the seed;
//! - `frames`, `api`: what goes over a socket, and the requests and replies of the public API;
//! - `reading`: what one connection has read of the log;
//! - `pending`: messages on their way;
//! - `back_off`, `sessions`, `member`: how clients come back, and what is known of one;
//! - `ledger_state`: what was acknowledged and read;
//! - `workload`, `receiving`, `churn`, `errands`: the operations;
//! - `timeline`: the drawing;
//! - [`facts`]: the facts of its ledger;
//! - `judge`: what is wrong with one room, pure;
//! - `opinion`: messages and readers as a history, which a checker judges that knows nothing of the ledger;
//! - `seeding`, `check`: before and after.

mod api;
mod back_off;
mod check;
mod churn;
mod crowd;
mod errands;
pub mod facts;
mod frames;
mod judge;
mod ledger_state;
mod member;
pub mod mix;
mod opinion;
mod pending;
mod reading;
mod receiving;
mod seeding;
mod sessions;
mod timeline;
mod workload;

use std::{io, sync::Arc, time::Duration};

pub use self::sessions::SESSIONS;
use self::{
    crowd::Crowd,
    ledger_state::LedgerState,
    mix::Mix,
    sessions::Sessions,
    workload::{Manner, Workload},
};
use super::{
    Check, CounterShape, JourneyError, JourneyOptions, KindShape, OptionShape, PrepareError, Progress,
    RatioShape, SystemJourneys, SystemUnderTest, is_within,
};
use crate::{
    http::{Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step},
    ledger::{FactShape, LedgerVerdict},
    live::{LiveJourneys, LiveLane},
    sender::Lane,
    series::Series,
};

/// The number of rooms unless somebody says otherwise.
const ROOMS: u64 = 100;

/// The members of the one room.
pub const MEMBERS: OptionShape = OptionShape {
    name: "members",
    summary: "members of the room of `one-room` [default: 500]",
    values: "2 to 5000",
    accepts: is_within::<2, 5_000>,
};

/// How long messages are.
pub const LENGTH: OptionShape = OptionShape {
    name: "length",
    summary: "characters of a message [default: 80]",
    values: "80 to 4000",
    accepts: is_within::<80, 4_000>,
};

/// The share of connections that are dropped.
pub const DROPPED: OptionShape = OptionShape {
    name: "dropped",
    summary: "connections that `storm` drops in each slice, in percent [default: 100]",
    values: "1 to 100",
    accepts: is_within::<1, 100>,
};

/// How long connections are away that were dropped.
pub const AWAY: OptionShape = OptionShape {
    name: "away",
    summary: "milliseconds within which what `storm` drops comes back, each at a time of its own [default: 500]",
    values: "0 to 5000",
    accepts: is_within::<0, 5_000>,
};

/// The share of connections that do not read.
pub const STALLED: OptionShape = OptionShape {
    name: "stalled",
    summary: "connections that read nothing during the slices of `stalled`, in percent [default: 5]",
    values: "1 to 50",
    accepts: is_within::<1, 50>,
};

const OPTIONS: [OptionShape; 6] = [MEMBERS, LENGTH, DROPPED, AWAY, STALLED, SESSIONS];

/// The counters of its processes.
const COUNTERS: [CounterShape; 3] = [
    CounterShape { name: "records delivered", metric: "chat_deliveries_total" },
    CounterShape { name: "reads of history", metric: "chat_history_reads_total" },
    CounterShape { name: "recoveries", metric: "chat_recoveries_total" },
];

/// What a client that comes back costs the store.
const RATIOS: [RatioShape; 1] = [RatioShape {
    name: "reads of history for a connection that comes back",
    times: 1.0,
    of: COUNTERS[1].name,
    by: COUNTERS[2].name,
}];

/// The chat.
#[derive(Debug)]
pub struct Chat;

impl SystemUnderTest for Chat {
    fn name(&self) -> &'static str {
        "chat"
    }

    fn summary(&self) -> &'static str {
        "write to rooms over connections that are held open, and read what others write"
    }

    fn mixes(&self) -> &'static [(&'static str, &'static str)] {
        &mix::NAMES
    }

    fn shares(&self, _mix: &str) -> Vec<(&'static str, f64)> {
        vec![(workload::SEND, 1.0)]
    }

    fn journeys(
        &self,
        options: &JourneyOptions,
        mix: &'static str,
    ) -> Result<Box<dyn SystemJourneys>, JourneyError> {
        let mix = Mix::named(mix);
        let percent =
            |option: &OptionShape, default: f64| options.parsed(option, default).map(|it| it / 100.0);
        let manner = Manner {
            mix,
            sessions: options.parsed(&SESSIONS, Sessions::Sticky)?,
            dropped: percent(&DROPPED, 100.0)?,
            away: Duration::from_millis(options.parsed(&AWAY, 500)?),
            slow: percent(&STALLED, 5.0)?,
        };
        let size = mix.size(options.things, options.parsed(&MEMBERS, 500)?);
        let crowd = Crowd::new(options.seed, size, options.parsed(&LENGTH, 80)?);
        Ok(Box::new(ChatJourneys::new(crowd, manner)?))
    }

    fn things(&self) -> Option<&'static str> {
        Some("rooms")
    }

    fn usual_things(&self) -> u64 {
        ROOMS
    }

    /// Each message is delivered to ten members.
    fn modest_rate(&self) -> f64 {
        200.0
    }

    fn only_path(&self) -> Option<&'static str> {
        Some("/rooms")
    }

    fn facts(&self) -> &'static [FactShape] {
        &facts::ALL
    }

    fn kinds(&self) -> &'static [KindShape] {
        &workload::KINDS
    }

    fn counters(&self) -> &'static [CounterShape] {
        &COUNTERS
    }

    fn ratios(&self) -> &'static [RatioShape] {
        &RATIOS
    }

    fn options(&self) -> &'static [OptionShape] {
        &OPTIONS
    }
}

/// The chat's journeys.
struct ChatJourneys {
    workload: Workload,
    requests: NoRequests,
}

impl ChatJourneys {
    /// Journeys in rooms that the preparation makes.
    fn new(crowd: Crowd, manner: Manner) -> io::Result<Self> {
        let ledger = Arc::new(LedgerState::new()?);
        Ok(Self { workload: Workload::new(crowd, manner, 0, ledger), requests: NoRequests })
    }
}

impl SystemJourneys for ChatJourneys {
    fn prepare(
        &mut self,
        lane: &mut Lane,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        seeding::seed(&self.workload.crowd, &self.workload.ledger, lane, progress)
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        &mut self.requests
    }

    fn live_connections(&self) -> usize {
        self.workload.crowd.len()
    }

    fn live(&mut self) -> Option<&mut dyn LiveJourneys> {
        Some(&mut self.workload)
    }

    fn check(&mut self, lane: &mut Lane, check: &Check) -> LedgerVerdict {
        check::check(&mut self.workload, lane, check)
    }

    fn check_live(&mut self, lane: &mut Lane, live: &mut LiveLane, check: &Check) -> LedgerVerdict {
        check::check_live(&mut self.workload, live, lane, check)
    }

    fn series(&self) -> Option<Series> {
        Some(self.workload.series())
    }

    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys> {
        let Workload { crowd, manner, ledger, .. } = &self.workload;
        let workload = Workload::new(crowd.clone(), *manner, nth, Arc::clone(ledger));
        Box::new(Self { workload, requests: NoRequests })
    }
}

/// All operations go over connections that are held open, and none is a request.
struct NoRequests;

impl Journeys for NoRequests {
    fn begin(&mut self, _op: &mut Operation, _request: &mut RequestBuf) -> Begun {
        Begun::Exhausted
    }

    fn reply(&mut self, _op: &mut Operation, _reply: &Reply<'_>, _request: &mut RequestBuf) -> Step {
        Step::Done(Outcome::Failed(Failure::WrongAnswer))
    }

    fn abandoned(&mut self, _op: &mut Operation, _why: Failure) {}
}
