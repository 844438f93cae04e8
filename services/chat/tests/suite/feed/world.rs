//! A room's log, its feed, the connections that read it, and a transport between them that lies.

use chat::{Attached, Content, Ended, Feed, Framed, Position, Reader, Record, Sequence, Term};

use super::connection::{Connection, at, framed, message, removal};
use crate::support::START;

/// Who may be members of the room.
pub(crate) const NAMES: [&str; 3] = ["ann", "bob", "cid"];
/// How many records a page has with which a connection catches up.
const PAGE: usize = 3;
/// The most replies that are on their way; one of them has records.
const MOST_REPLIES: usize = 3;

/// Who passes records on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The feed.
    Feed,
    /// Somebody who passes on whatever the transport brings, without a look at its number: this has to be caught.
    Naive,
}

/// How often the transport brings a record.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    Lost,
    Once,
    Twice,
}

/// What happens. An index beyond the end counts from the beginning again.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    /// A message is appended.
    Say(Fate),
    /// A user is removed, if they are a member.
    Remove(usize, Fate),
    /// A user is added, if they are none.
    Add(usize),
    /// A member connects, and has everything but so many records.
    Connect(usize, u64),
    /// Somebody comes back with the position of one of the connections.
    Resume(usize),
    /// A connection goes away, which the feed is told or not.
    Leave(usize, bool),
    /// One of the connections that are behind reads a page.
    CatchUp(usize),
    /// The transport brings one of the records on their way.
    Bring(usize),
    /// The log is read for the feed, at most so many records; none is a failure.
    Read(usize),
    /// The log is asked where it ends.
    Ask,
    /// One of the replies of the log arrives.
    Reply(usize),
    /// The log is lost, and restored without so many of its records.
    Restore(usize),
}

/// A connection, and from where it reads.
struct Visit {
    connection: Connection,
    name: usize,
    start: Position,
}

/// What the log said, on its way to the feed: where it ends, and the records that were asked for.
struct Reply {
    end: Position,
    records: Option<Vec<Framed<Record>>>,
}

struct World {
    by: By,
    feed: Feed<Connection>,
    /// The connections to which records are passed on without the feed.
    naively: Vec<Connection>,
    /// The logs that the room has had, of the epochs 1, 2 and so on.
    logs: Vec<Vec<Record>>,
    /// The last membership of each user, and whether they are members now.
    members: [(u32, bool); NAMES.len()],
    on_their_way: Vec<Framed<Record>>,
    replies: Vec<Reply>,
    visits: Vec<Visit>,
    /// Which visits are behind, and what their connections have.
    behind: Vec<(usize, Position)>,
}

/// Does all that happens with a feed, lets everything arrive, and checks what the connections got.
pub(crate) fn run(by: By, window: usize, acts: &[Act]) -> Result<(), String> {
    let (feed, logs, members) = (Feed::new(at(1, 0), window), vec![Vec::new()], [(1, true); NAMES.len()]);
    let (naively, on_their_way, replies, visits, behind) = Default::default();
    let mut world = World { by, feed, naively, logs, members, on_their_way, replies, visits, behind };
    for act in acts {
        world.act(*act);
    }
    world.settle();
    world.visits.iter().try_for_each(|visit| world.check(visit))
}

impl World {
    fn log(&self) -> &[Record] {
        self.logs.last().map_or(&[], Vec::as_slice)
    }

    fn end(&self) -> Position {
        at(self.logs.len() as u64, self.log().len() as u64)
    }

    fn page(&self, after: Sequence, limit: usize) -> Vec<Framed<Record>> {
        self.log().iter().skip(after.0 as usize).take(limit).map(framed).collect()
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Say(fate) => self.append(fate, message),
            Act::Remove(name, fate) => self.remove(name, fate),
            Act::Add(name) => self.add(name),
            Act::Connect(name, back) => {
                let end = self.end();
                let sequence = Sequence(end.sequence.0.saturating_sub(back));
                self.connect(name, Position { sequence, ..end });
            }
            Act::Resume(index) => self.resume(index),
            Act::Leave(index, is_told) => self.leave(index, is_told),
            Act::CatchUp(index) if !self.behind.is_empty() => self.catch_up(index % self.behind.len()),
            Act::Bring(index) if !self.on_their_way.is_empty() => self.bring(index % self.on_their_way.len()),
            Act::Read(limit) => self.read(limit),
            Act::Ask if self.replies.len() < MOST_REPLIES => {
                self.replies.push(Reply { end: self.end(), records: None });
            }
            Act::Reply(index) if !self.replies.is_empty() => self.reply(index % self.replies.len()),
            Act::Restore(lost) => self.restore(lost),
            Act::CatchUp(_) | Act::Bring(_) | Act::Ask | Act::Reply(_) => {}
        }
    }

    fn append(&mut self, fate: Fate, record: impl Fn(Position) -> Record) {
        let end = self.end();
        let record = record(Position { sequence: end.sequence.next(), ..end });
        let copies = match fate {
            Fate::Lost => 0,
            Fate::Once => 1,
            Fate::Twice => 2,
        };
        self.on_their_way.extend(std::iter::repeat_n(framed(&record), copies));
        self.logs.last_mut().unwrap().push(record);
    }

    fn remove(&mut self, name: usize, fate: Fate) {
        let (term, is_member) = self.members[name];
        if is_member {
            self.members[name].1 = false;
            self.append(fate, |position| removal(position, NAMES[name], term));
        }
    }

    fn add(&mut self, name: usize) {
        let (term, is_member) = self.members[name];
        if !is_member {
            self.members[name] = (term + 1, true);
        }
    }

    fn connect(&mut self, name: usize, start: Position) {
        let (term, is_member) = self.members[name];
        if is_member && start.epoch == self.end().epoch {
            self.visits.push(Visit { connection: Connection::new(NAMES[name], term), name, start });
            self.behind.push((self.visits.len() - 1, start));
            self.catch_up(self.behind.len() - 1);
        }
    }

    fn resume(&mut self, index: usize) {
        if self.visits.is_empty() {
            return;
        }
        let Visit { connection, name, start } = &self.visits[index % self.visits.len()];
        connection.close();
        let sequence = Sequence(start.sequence.0 + connection.got().len() as u64);
        let (name, start) = (*name, Position { sequence, ..*start });
        self.connect(name, start);
    }

    fn leave(&mut self, index: usize, is_told: bool) {
        if self.visits.is_empty() {
            return;
        }
        let connection = &self.visits[index % self.visits.len()].connection;
        connection.close();
        if is_told {
            self.feed.detach(|attached| attached.is(connection));
        }
    }

    /// Attaches a connection that is behind, or reads the page for it that comes next.
    fn catch_up(&mut self, index: usize) {
        let (visit, has) = self.behind.swap_remove(index);
        let connection = self.visits[visit].connection.clone();
        if self.by == By::Naive {
            return self.naively.push(connection);
        }
        match self.feed.attach(connection.clone(), has) {
            Attached::Live | Attached::Gone => {}
            Attached::Behind | Attached::OtherEpoch(_) if has.epoch != self.end().epoch => {
                connection.end(Ended::OtherEpoch);
            }
            Attached::Behind => {
                let page = self.page(has.sequence, PAGE);
                if page.iter().all(|framed| framed.give(&connection)) {
                    self.behind.push((visit, page.last().map_or(has, |last| last.record.position)));
                }
            }
            Attached::OtherEpoch(_) => {
                self.feed.ends_at(self.end());
                self.behind.push((visit, has));
            }
        }
    }

    fn bring(&mut self, index: usize) {
        let framed = self.on_their_way.remove(index);
        if self.by == By::Naive {
            self.naively.retain(|connection| connection.receive(&framed.frame));
        } else if self.feed.hint(&framed, START) {
            self.feed.ends_at(self.end());
        }
    }

    fn read(&mut self, limit: usize) {
        if let Some(after) = self.feed.wants()
            && limit > 0
            && self.replies.iter().all(|reply| reply.records.is_none())
        {
            self.replies.push(Reply { end: self.end(), records: Some(self.page(after, limit)) });
        }
    }

    fn reply(&mut self, index: usize) {
        let Reply { end, records } = self.replies.remove(index);
        match records {
            Some(records) => self.feed.loaded(end, &records, START),
            None => self.feed.ends_at(end),
        }
    }

    fn restore(&mut self, lost: usize) {
        let epoch = self.logs.len() as u64 + 1;
        let kept = &self.log()[..self.log().len().saturating_sub(lost)];
        let anew =
            |record: &Record| Record { position: at(epoch, record.position.sequence.0), ..record.clone() };
        let kept = kept.iter().map(anew).collect();
        self.logs.push(kept);
    }

    /// Everything that is on its way arrives, and the feed and the connections read what they lack.
    fn settle(&mut self) {
        while !self.replies.is_empty() {
            self.reply(0);
        }
        self.load();
        while !self.behind.is_empty() {
            self.catch_up(0);
        }
        self.load();
        while !self.on_their_way.is_empty() {
            self.bring(0);
        }
        assert_eq!(self.feed.wants(), None, "what comes late is known");
    }

    fn load(&mut self) {
        self.feed.ends_at(self.end());
        while let Some(after) = self.feed.wants() {
            self.feed.loaded(self.end(), &self.page(after, usize::MAX), START);
        }
    }

    /// A connection got what follows its position, each record once, to the end of the log or of its user's membership.
    fn check(&self, Visit { connection, start, .. }: &Visit) -> Result<(), String> {
        let log = &self.logs[start.epoch.get() as usize - 1][start.sequence.0 as usize..];
        let (got, ended) = (connection.got(), connection.ended());
        let told = || format!("from {start}: {:?}, ended {ended:?}, of {}", connection.numbers(), log.len());
        if !log.starts_with(&got) {
            return Err(format!("not the log: {}", told()));
        }
        let is_end = |record: &Record| {
            matches!(&record.content, Content::Removed { user, term: Term(term) }
                if user == connection.user() && *term >= connection.term().0)
        };
        let removed_by = log.iter().position(is_end);
        let whole = removed_by.map_or(log.len(), |index| index + 1);
        let is_kept = match ended[..] {
            // It may have gone away before it got everything, but nothing may come after a removal.
            [] if !connection.is_open() => {
                got.len() <= whole && removed_by.is_none_or(|index| got.len() <= index)
            }
            [] => got.len() == whole && removed_by.is_none() && start.epoch == self.end().epoch,
            [Ended::Removed] => (got.len() == whole || !connection.is_open()) && removed_by.is_some(),
            [Ended::OtherEpoch] => got.len() <= whole && self.logs.len() > 1,
            _ => false,
        };
        if is_kept { Ok(()) } else { Err(format!("not the whole log, or too much of it: {}", told())) }
    }
}
