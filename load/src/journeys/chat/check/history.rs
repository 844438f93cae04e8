//! Reads the histories of rooms, page by page: one page of each room, then the next of those that have more.

use std::{collections::BTreeMap, vec};

use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        Check,
        chat::{
            api::{self, HistoryPage},
            crowd::Crowd,
            frames::Position,
            ledger_state::LedgerState,
        },
        request_list::{RequestList, request_all},
    },
    sender::{Lane, SenderError},
};

/// The rooms whose histories are in memory at once.
pub(super) const ROOMS_AT_ONCE: usize = 64;

/// The histories that could be read to their ends.
pub(super) struct Histories {
    pub(super) rooms: BTreeMap<usize, HistoryPage>,
    /// Pages that could not be read.
    pub(super) unanswered: u64,
}

/// Reads the histories of these rooms.
pub(super) fn read(
    (crowd, ledger): (&Crowd, &LedgerState),
    rooms: &[usize],
    lane: &mut Lane,
    check: &Check,
) -> Result<Histories, SenderError> {
    let mut histories = Histories { rooms: BTreeMap::new(), unanswered: 0 };
    let mut begun: BTreeMap<usize, HistoryPage> = BTreeMap::new();
    let mut left: Vec<(usize, u64)> = rooms.iter().map(|room| (*room, 0)).collect();
    while !left.is_empty() {
        let mut pages = Pages { crowd, ledger, left: left.into_iter(), read: Vec::new() };
        histories.unanswered += request_all(&mut pages, lane, check.in_flight, check.pass, &mut |_| true)?;
        left = Vec::new();
        for (room, after, page) in pages.read {
            let last = page.entries.last().map_or(after, |entry| entry.sequence);
            // A page that does not go on would be read for ever.
            let has_more = last > after && last < page.end.sequence;
            let empty = || HistoryPage { entries: Vec::new(), end: Position::default() };
            let history = begun.entry(room).or_insert_with(empty);
            history.entries.extend(page.entries);
            history.end = page.end;
            if has_more {
                left.push((room, last));
            } else {
                histories.rooms.extend(begun.remove_entry(&room));
            }
        }
    }
    Ok(histories)
}

struct Pages<'a> {
    crowd: &'a Crowd,
    ledger: &'a LedgerState,
    /// The rooms, and the record after which each is read.
    left: vec::IntoIter<(usize, u64)>,
    read: Vec<(usize, u64, HistoryPage)>,
}

impl RequestList for Pages<'_> {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<(usize, u64)> {
        self.left.next()
    }

    fn write(&self, &(room, after): &(usize, u64), request: &mut RequestBuf) {
        let token = self.ledger.token(self.crowd.owner_of(room));
        api::history(self.crowd, (room, after), token, request);
    }

    fn accept(&mut self, &(room, after): &(usize, u64), reply: &Reply<'_>) -> bool {
        let page = api::read_history(self.crowd, room, reply);
        let is_read = page.is_some();
        self.read.extend(page.map(|page| (room, after, page)));
        is_read
    }
}
