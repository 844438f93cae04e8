//! The logs of rooms in tables, in SQLite and in PostgreSQL: the same statements, sent through different types.
//!
//! What a record is appended by is the one thing in which the databases differ: `in_postgres` and `in_sqlite`. Read `rows`
//! first.

mod in_postgres;
mod in_sqlite;
mod rows;

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use chat::{
    Appended, Entry, Epoch, History, HistoryQuery, MemberOf, MessageStore, Position, ReadMarker, Record,
    RecordKey, RoomId, Sequence, Start,
};
use contract::Unavailable;

use self::rows::{
    AFTER, BEFORE, BEGIN, BY_KEY, LogToBegin, PageRow, RecordRow, Stored, history, position, record,
};
use super::rows::{count, json, room};

macro_rules! message_store {
    (
        $doc:literal, $store:ident on $database:ident with $appending:ident: reads by $reader:ident,
        writes by $writer:ident, lists rooms by $rooms:literal, lists logs by $logs:literal, tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
        }

        impl $store {
            /// Creates the tables if they do not exist.
            pub async fn open(database: $database) -> anyhow::Result<Self> {
                migrate(&[include_str!($migration)], "messages_migrations", database.$writer()).await?;
                Ok(Self { database })
            }

            async fn try_append(&self, entry: &Entry) -> Result<Appended, sqlx::Error> {
                match $appending::append(&self.database, entry).await? {
                    Stored::New(position) => Ok(Appended::New(position)),
                    Stored::Ended => Ok(Appended::Ended),
                    Stored::Known => {
                        // Records are never removed, so that the other one is there.
                        let known = self.try_by_key(entry.room, &entry.key).await?;
                        known.map(Appended::Known).ok_or(sqlx::Error::RowNotFound)
                    }
                }
            }

            async fn try_reserve(&self, room: RoomId, epoch: Epoch) -> Result<Position, sqlx::Error> {
                let reserve = "INSERT INTO logs (room, epoch, last) VALUES ($1, $2, 1)
                    ON CONFLICT (room) DO UPDATE SET last = logs.last + 1 RETURNING epoch, last";
                let (epoch, last): (i64, i64) = sqlx::query_as(reserve)
                    .bind(String::from(room))
                    .bind(count(epoch.get()))
                    .fetch_one(self.database.$writer())
                    .await?;
                position(epoch, last)
            }

            async fn try_put(&self, entry: &Entry, position: Position) -> Result<Appended, sqlx::Error> {
                if $appending::put(&self.database, entry, position.sequence).await? {
                    return Ok(Appended::New(position));
                }
                let known = self.try_by_key(entry.room, &entry.key).await?;
                Ok(known.map_or(Appended::Ended, Appended::Known))
            }

            async fn try_by_key(&self, room: RoomId, key: &RecordKey) -> Result<Option<Record>, sqlx::Error> {
                let row: Option<RecordRow> = sqlx::query_as(BY_KEY)
                    .bind(String::from(room))
                    .bind(key.user.as_str())
                    .bind(key.what.as_str())
                    .fetch_optional(self.database.$reader())
                    .await?;
                row.map(|row| record(room, row)).transpose()
            }

            async fn page(&self, query: &HistoryQuery) -> Result<Option<History>, sqlx::Error> {
                let (select, from) = match query.from {
                    Start::After(Sequence(number)) => (AFTER, count(number)),
                    Start::Before(Sequence(number)) => (BEFORE, count(number)),
                    Start::End => (BEFORE, i64::MAX),
                };
                let rows: Vec<PageRow> = sqlx::query_as(select)
                    .bind(String::from(query.room))
                    .bind(from)
                    .bind(i64::from(query.limit))
                    .fetch_all(self.database.$reader())
                    .await?;
                history(query.room, rows)
            }

            async fn try_history(&self, query: &HistoryQuery, epoch: Epoch) -> Result<History, sqlx::Error> {
                if let Some(history) = self.page(query).await? {
                    return Ok(history);
                }
                sqlx::query(BEGIN)
                    .bind(String::from(query.room))
                    .bind(count(epoch.get()))
                    .execute(self.database.$writer())
                    .await?;
                self.page(query).await?.ok_or(sqlx::Error::RowNotFound)
            }

            async fn ends(&self, rooms: &[RoomId]) -> Result<HashMap<RoomId, Position>, sqlx::Error> {
                let select = concat!("SELECT room, epoch, last FROM logs WHERE room ", $rooms);
                let rows: Vec<(String, i64, i64)> =
                    sqlx::query_as(select).bind(json(rooms)).fetch_all(self.database.$reader()).await?;
                let end = |(of, epoch, last): (String, _, _)| Ok((room(&of)?, position(epoch, last)?));
                rows.into_iter().map(end).collect()
            }

            /// Begins logs, in the order of their rooms: two calls that begin the same ones do not wait for each other.
            async fn begin(&self, missing: BTreeMap<RoomId, Epoch>) -> Result<(), sqlx::Error> {
                let begin =
                    concat!("INSERT INTO logs (room, epoch) SELECT ", $logs, " ON CONFLICT DO NOTHING");
                let logs = missing.into_iter().map(|(room, epoch)| LogToBegin { room, epoch });
                sqlx::query(begin)
                    .bind(json(&logs.collect::<Vec<_>>()))
                    .execute(self.database.$writer())
                    .await
                    .map(drop)
            }

            async fn try_positions(&self, rooms: &[(RoomId, Epoch)]) -> Result<Vec<Position>, sqlx::Error> {
                let ids: Vec<RoomId> = rooms.iter().map(|(room, _)| *room).collect();
                let mut ends = self.ends(&ids).await?;
                let missing: BTreeMap<RoomId, Epoch> =
                    rooms.iter().filter(|(room, _)| !ends.contains_key(room)).copied().collect();
                if !missing.is_empty() {
                    let begun: Vec<RoomId> = missing.keys().copied().collect();
                    self.begin(missing).await?;
                    ends.extend(self.ends(&begun).await?);
                }
                ids.iter().map(|room| ends.get(room).copied().ok_or(sqlx::Error::RowNotFound)).collect()
            }

            async fn try_mark(&self, marker: &ReadMarker) -> Result<ReadMarker, sqlx::Error> {
                let mark = "INSERT INTO markers (room, user_name, sequence) VALUES ($1, $2, $3)
                    ON CONFLICT (room, user_name) DO UPDATE SET sequence = CASE
                        WHEN markers.sequence < excluded.sequence THEN excluded.sequence ELSE markers.sequence END
                    RETURNING sequence";
                let stored: i64 = sqlx::query_scalar(mark)
                    .bind(String::from(marker.room))
                    .bind(marker.user.as_str())
                    .bind(count(marker.sequence.0))
                    .fetch_one(self.database.$writer())
                    .await?;
                Ok(ReadMarker { sequence: Sequence(stored.unsigned_abs()), ..marker.clone() })
            }

            async fn try_marker(&self, of: &MemberOf) -> Result<Option<Sequence>, sqlx::Error> {
                let stored: Option<i64> =
                    sqlx::query_scalar("SELECT sequence FROM markers WHERE room = $1 AND user_name = $2")
                        .bind(String::from(of.room))
                        .bind(of.user.as_str())
                        .fetch_optional(self.database.$reader())
                        .await?;
                Ok(stored.map(|sequence| Sequence(sequence.unsigned_abs())))
            }
        }

        #[async_trait]
        impl MessageStore for $store {
            async fn append(&self, entry: &Entry) -> Result<Appended, Unavailable> {
                self.try_append(entry).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn reserve(&self, room: RoomId, epoch: Epoch) -> Result<Position, Unavailable> {
                self.try_reserve(room, epoch).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn put(&self, entry: &Entry, position: Position) -> Result<Appended, Unavailable> {
                self.try_put(entry, position).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn by_key(&self, room: RoomId, key: &RecordKey) -> Result<Option<Record>, Unavailable> {
                self.try_by_key(room, key).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn history(&self, query: &HistoryQuery, epoch: Epoch) -> Result<History, Unavailable> {
                self.try_history(query, epoch).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn positions(&self, rooms: &[(RoomId, Epoch)]) -> Result<Vec<Position>, Unavailable> {
                self.try_positions(rooms).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn mark(&self, marker: &ReadMarker) -> Result<ReadMarker, Unavailable> {
                self.try_mark(marker).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn marker(&self, of: &MemberOf) -> Result<Option<Sequence>, Unavailable> {
                self.try_marker(of).await.map_err(|error| self.database.unavailable(&error))
            }
        }
    };
}

message_store! {
    "The logs of rooms in tables of a SQLite file.",
    SqliteMessageStore on Sqlite with in_sqlite: reads by reader, writes by writer,
    lists rooms by "IN (SELECT value FROM json_each($1))",
    lists logs by "value ->> 'room', value ->> 'epoch' FROM json_each($1) WHERE TRUE",
    tables by "../../migrations/messages/sqlite/1_messages.sql"
}

message_store! {
    "The logs of rooms in tables of a PostgreSQL database.",
    PostgresMessageStore on Postgres with in_postgres: reads by pool, writes by pool,
    lists rooms by "= ANY (ARRAY(SELECT json_array_elements_text($1::json)))",
    lists logs by "room, epoch FROM json_to_recordset($1::json) AS log (room TEXT, epoch BIGINT)",
    tables by "../../migrations/messages/postgres/1_messages.sql"
}
