//! The statements about records that are the same in both databases, and their rows.

use chat::{Content, Entry, Epoch, History, MessageId, Position, Record, RoomId, Sequence, Text};
use serde::Serialize;

use crate::adapters::rows::{moment, ms, term, undecoded, user};

/// `epoch, sequence, user_name, message_id, text, term, at_ms`
pub(super) type RecordRow = (i64, i64, String, Option<String>, Option<String>, Option<i64>, i64);
/// `epoch, last`, and of the record, if there is one, `sequence, user_name, message_id, text, term, at_ms`
pub(super) type PageRow =
    (i64, i64, Option<i64>, Option<String>, Option<String>, Option<String>, Option<i64>, Option<i64>);

/// The record with a key.
pub(super) const BY_KEY: &str = "SELECT epoch, sequence, user_name, message_id, text, term, at_ms
    FROM records JOIN logs ON logs.room = records.room
    WHERE records.room = $1 AND user_name = $2 AND what = $3";

/// Begins a log, unless it has begun.
pub(super) const BEGIN: &str = "INSERT INTO logs (room, epoch) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// Records of a log and where it ends: one statement reads one snapshot. No row if the log has not begun, and one without a
/// record if there are none.
pub(super) const AFTER: &str = "SELECT epoch, last, sequence, user_name, message_id, text, term, at_ms
    FROM logs LEFT JOIN (
        SELECT room AS log, sequence, user_name, message_id, text, term, at_ms FROM records
        WHERE room = $1 AND sequence > $2 ORDER BY sequence LIMIT $3
    ) AS page ON page.log = logs.room
    WHERE logs.room = $1 ORDER BY sequence";
/// The same, before a record.
pub(super) const BEFORE: &str = "SELECT epoch, last, sequence, user_name, message_id, text, term, at_ms
    FROM logs LEFT JOIN (
        SELECT room AS log, sequence, user_name, message_id, text, term, at_ms FROM records
        WHERE room = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3
    ) AS page ON page.log = logs.room
    WHERE logs.room = $1 ORDER BY sequence";

/// What came of a record.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stored {
    /// It has this position.
    New(Position),
    /// The log had one with its key already.
    Known,
    /// The sender's membership has ended.
    Ended,
}

/// A log that may have to begin, as a parameter of JSON.
#[derive(Debug, Serialize)]
pub(super) struct LogToBegin {
    pub(super) room: RoomId,
    pub(super) epoch: Epoch,
}

/// A record as its columns.
#[derive(Debug)]
pub(super) struct Columns<'e> {
    pub(super) room: String,
    pub(super) user: &'e str,
    pub(super) what: &'e str,
    pub(super) message_id: Option<String>,
    pub(super) text: Option<&'e str>,
    pub(super) term: Option<i64>,
    pub(super) at_ms: i64,
}

impl<'e> Columns<'e> {
    pub(super) fn of(entry: &'e Entry) -> Self {
        let (message_id, text, term) = match &entry.content {
            Content::Message { id, text, .. } => (Some(String::from(*id)), Some(text.as_str()), None),
            Content::Removed { term, .. } => (None, None, Some(i64::from(term.0))),
        };
        let (user, what) = (entry.key.user.as_str(), entry.key.what.as_str());
        Self { room: entry.room.into(), user, what, message_id, text, term, at_ms: ms(entry.at) }
    }
}

/// The sender's membership as a parameter.
pub(super) fn sender_term(entry: &Entry) -> Option<i64> {
    entry.term.map(|term| i64::from(term.0))
}

/// Parses columns.
pub(super) fn position(epoch: i64, sequence: i64) -> Result<Position, sqlx::Error> {
    let epoch = Epoch::new(epoch.unsigned_abs()).map_err(undecoded)?;
    Ok(Position { epoch, sequence: Sequence(sequence.unsigned_abs()) })
}

/// Parses a row; fails if a column violates the contract.
pub(super) fn record(room: RoomId, row: RecordRow) -> Result<Record, sqlx::Error> {
    let (epoch, sequence, name, message_id, text, ended, at_ms) = row;
    let whose = user(name)?;
    let content = match (message_id, text, ended) {
        (Some(id), Some(text), None) => Content::Message {
            sender: whose,
            id: MessageId::parse(&id).map_err(undecoded)?,
            text: Text::parse(text).map_err(undecoded)?,
        },
        (None, None, Some(ended)) => Content::Removed { user: whose, term: term(ended)? },
        _ => {
            return Err(sqlx::Error::Decode(
                "a record is either a message or the end of a membership".into(),
            ));
        }
    };
    Ok(Record { room, position: position(epoch, sequence)?, at: moment(at_ms), content })
}

/// Parses rows; `None` if the log has not begun.
pub(super) fn history(room: RoomId, rows: Vec<PageRow>) -> Result<Option<History>, sqlx::Error> {
    let Some((epoch, last, ..)) = rows.first() else { return Ok(None) };
    let end = position(*epoch, *last)?;
    let records = rows.into_iter().filter_map(|row| match row {
        (epoch, _, Some(sequence), Some(user), message_id, text, term, Some(at_ms)) => {
            Some(record(room, (epoch, sequence, user, message_id, text, term, at_ms)))
        }
        _ => None,
    });
    Ok(Some(History { records: records.collect::<Result<_, _>>()?, end }))
}
