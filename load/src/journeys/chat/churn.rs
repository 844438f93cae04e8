//! Members who are removed and added again, while the others write.
//!
//! A member who is being removed is waited for no more; until the reply to the removal, messages may arrive or not. What is
//! sent after it must not arrive.

use std::{collections::BTreeMap, time::Duration};

use rand::RngExt;

use super::{
    errands::{Errand, Errands},
    ledger_state::Seen,
    member::Standing,
    pending::{Done, LIMIT},
    workload::{Workload, end_all},
};
use crate::live::{Connections, Moment};

/// The time between two removals.
const EVERY: Duration = Duration::from_millis(100);
/// The most members who are away at once.
const AT_ONCE: usize = 8;

/// The members who come and go.
#[derive(Debug, Default)]
pub(super) struct Churn {
    errands: Option<Errands>,
    away: BTreeMap<usize, Stage>,
    next: Option<Moment>,
}

/// How far a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The removal was asked for.
    Going,
    /// It was done at this moment: the connection has to end.
    Gone(Moment),
    /// To be added is to be asked for.
    Back,
    /// It was asked for.
    Coming,
}

impl Churn {
    /// Whether a member is away.
    pub(super) fn moves(&self, member: usize) -> bool {
        self.away.contains_key(&member)
    }
}

impl Workload {
    /// Goes on with the members who are away, and until the end of the slice removes another one.
    pub(super) fn come_and_go(&mut self, now: Moment, until: Moment, connections: &mut Connections) {
        if self.fork != 0 {
            return;
        }
        if self.churn.errands.is_none() {
            self.churn.errands = Errands::start(&self.crowd, &self.ledger);
        }
        while let Some((errand, is_done)) = self.churn.errands.as_ref().and_then(Errands::ended) {
            self.errand_ended(errand, is_done, now);
        }
        let away: Vec<(usize, Stage)> =
            self.churn.away.iter().map(|(member, stage)| (*member, *stage)).collect();
        for (member, stage) in away {
            self.go_on(member, stage, now);
        }
        if now < until && self.churn.next.is_none_or(|next| next <= now) && self.churn.away.len() < AT_ONCE {
            self.churn.next = Some(now.after(EVERY));
            self.remove_one(now, connections);
        }
    }

    fn remove_one(&mut self, now: Moment, connections: &mut Connections) {
        let member = self.random.random_range(0..self.members.len());
        let is_owner = member == self.crowd.owner_of(self.crowd.room_of(member));
        if is_owner || !self.members[member].can_send() || !self.ask(Errand::Remove(member)) {
            return;
        }
        self.churn.away.insert(member, Stage::Going);
        let done = self.leave(member, now);
        end_all(done, connections);
    }

    fn ask(&self, errand: Errand) -> bool {
        self.churn.errands.as_ref().is_some_and(|errands| errands.ask(errand))
    }

    fn errand_ended(&mut self, errand: Errand, is_done: bool, now: Moment) {
        let (member, stage) = match (errand, is_done) {
            (Errand::Remove(member), true) => {
                self.has_left(member, self.fork, self.next_number);
                (member, Stage::Gone(now))
            }
            // It may have been done nevertheless.
            (Errand::Remove(member) | Errand::Add(member), false) => (member, Stage::Back),
            (Errand::Add(member), true) => {
                self.rejoin(member);
                self.churn.away.remove(&member);
                return;
            }
        };
        self.churn.away.insert(member, stage);
    }

    fn go_on(&mut self, member: usize, stage: Stage, now: Moment) {
        let is_open = self.members[member].is_open();
        let stage = match stage {
            Stage::Gone(since) if is_open && now.since(since) >= LIMIT => {
                self.ledger.broken(Seen::AfterRemoval, || {
                    format!(
                        "`{}` was removed, and is still connected {LIMIT:?} later",
                        self.crowd.user(member)
                    )
                });
                self.to_close.push(member);
                Stage::Back
            }
            Stage::Gone(_) if !is_open => Stage::Back,
            Stage::Back if self.ask(Errand::Add(member)) => {
                // It may be a member again, and read, before that is known here.
                self.members[member].standing = Standing::Leaving(None);
                Stage::Coming
            }
            other => other,
        };
        self.churn.away.insert(member, stage);
    }

    /// A member is going to be removed. Returns the messages that are not waited for any more.
    pub(super) fn leave(&mut self, member: usize, now: Moment) -> Vec<Done> {
        self.members[member].standing = Standing::Leaving(None);
        self.await_no_more(member, now)
    }

    /// It has been removed; what this thread sends from this number on must not arrive there.
    pub(super) fn has_left(&mut self, member: usize, fork: u8, number: u32) {
        let first = self.crowd.key(fork, member, number);
        self.members[member].standing = Standing::Leaving(Some(first));
    }

    /// It has been added again, and reads from wherever the log is then, or already does.
    pub(super) fn rejoin(&mut self, member: usize) {
        let (it, room) = (&mut self.members[member], self.crowd.room_of(member));
        it.standing = Standing::In;
        if it.is_attached() && it.reading.is_some() {
            self.is_awaited(member);
        } else if let Some(reading) = it.reading.take() {
            self.ledger.has_read(room, &reading);
        }
    }
}
