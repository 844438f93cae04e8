//! Before the load: a token for each member, and the rooms with their members.

use std::{ops::Range, time::Duration};

use super::{api, crowd::Crowd, ledger_state::LedgerState};
use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        PrepareError, Progress,
        request_list::{RequestList, request_all},
    },
    sender::Lane,
};

/// The requests in flight at once.
const IN_FLIGHT: usize = 32;
/// The time limit of each part of the preparation.
const LONGEST: Duration = Duration::from_mins(10);

/// Makes the rooms.
pub(super) fn seed(
    crowd: &Crowd,
    ledger: &LedgerState,
    lane: &mut Lane,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<(), PrepareError> {
    let calls: Vec<Range<usize>> = (0..crowd.rooms).flat_map(|room| calls(crowd, room)).collect();
    let total = (crowd.len() + crowd.rooms + calls.len()) as u64;
    let mut making = Making { crowd, kind: Kind::Token, calls, next: 0, done: 0, tokens: Vec::new() };
    making.tokens.resize(crowd.len(), String::new());
    let mut done = 0;
    // Each kind before the next: who has a token makes a room, and adds members to it.
    for kind in [Kind::Token, Kind::Room, Kind::Members] {
        (making.kind, making.next, making.done) = (kind, 0, 0);
        request_all(&mut making, lane, IN_FLIGHT, LONGEST, &mut |record| {
            progress(Progress { done: (done + record.succeeded).min(total), total })
        })?;
        done += making.done;
        if making.done < making.len() as u64 {
            return Err(incomplete(done, total, lane));
        }
    }
    progress(Progress { done, total });
    ledger.prepared(lane.target(), making.tokens);
    Ok(())
}

/// The members of a room that each call adds: all but the owner, who is there already.
fn calls(crowd: &Crowd, room: usize) -> Vec<Range<usize>> {
    let of_room = crowd.members_of(room);
    let starts = (of_room.start + 1..of_room.end).step_by(api::PAGE);
    starts.map(|start| start..(start + api::PAGE).min(of_room.end)).collect()
}

fn incomplete(done: u64, total: u64, lane: &Lane) -> PrepareError {
    let record = lane.record();
    let causes = record.failed.iter().chain(record.refused.iter());
    let failures = causes.map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ");
    PrepareError::Incomplete { what: "tokens, rooms and memberships", done, total, failures }
}

/// What is made before the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Token,
    Room,
    Members,
}

/// The things of one kind.
struct Making<'a> {
    crowd: &'a Crowd,
    kind: Kind,
    /// The members that each call adds.
    calls: Vec<Range<usize>>,
    next: usize,
    done: u64,
    tokens: Vec<String>,
}

impl Making<'_> {
    fn len(&self) -> usize {
        match self.kind {
            Kind::Token => self.crowd.len(),
            Kind::Room => self.crowd.rooms,
            Kind::Members => self.calls.len(),
        }
    }

    fn token(&self, room: usize) -> &str {
        &self.tokens[self.crowd.owner_of(room)]
    }
}

impl RequestList for Making<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let number = self.next;
        self.next += 1;
        (number < self.len()).then_some(number)
    }

    fn write(&self, &number: &usize, request: &mut RequestBuf) {
        let crowd = self.crowd;
        match self.kind {
            Kind::Token => api::token(crowd, number, request),
            Kind::Room => api::make_room(crowd, number, self.token(number), request),
            Kind::Members => {
                let members: Vec<usize> = self.calls[number].clone().collect();
                api::add(crowd, &members, self.token(crowd.room_of(members[0])), request);
            }
        }
    }

    fn accept(&mut self, &number: &usize, reply: &Reply<'_>) -> bool {
        let is_done = match self.kind {
            Kind::Token => match api::read_token(reply) {
                Some(token) => {
                    self.tokens[number] = token;
                    true
                }
                None => false,
            },
            Kind::Room => reply.status == 201,
            Kind::Members => reply.status == 200,
        };
        self.done += u64::from(is_done);
        is_done
    }
}
