//! Rooms and their members in tables, in SQLite and in PostgreSQL: the same statements, sent through different types.
//!
//! Whoever adds or removes members locks the room first and counts afterwards: counting without a lock lets two calls see the
//! same last place, or each the other owner.

use std::collections::BTreeSet;

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use chat::{
    AddMembers, Adding, EndedMembership, Ending, Member, MemberOf, MemberPage, MemberQuery, Membership, Role,
    Room, RoomId, RoomName, RoomStore, User,
};
use contract::Unavailable;
use sqlx::{Acquire as _, Transaction};

use super::rows::{json, moment, ms, room, term, undecoded, user};

/// `name, made_by, made_ms`
type RoomRow = (String, String, i64);
/// `user_name, role`
type MemberRow = (String, String);
/// `role, term, is_member`, the latest term whose end is not logged, and whether somebody else is an owner.
type LeavingRow = (String, i64, bool, Option<i64>, bool);

macro_rules! room_store {
    (
        $doc:literal, $store:ident on $database:ident of $kind:ty: reads by $reader:ident, writes by $writer:ident,
        locks by $lock:literal, lists users by $users:literal, tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
        }

        impl $store {
            /// Creates the tables if they do not exist.
            pub async fn open(database: $database) -> anyhow::Result<Self> {
                migrate(&[include_str!($migration)], "rooms_migrations", database.$writer()).await?;
                Ok(Self { database })
            }

            async fn try_insert(&self, room: &Room) -> Result<Room, sqlx::Error> {
                let mut transaction = self.database.$writer().begin().await?;
                let insert = "INSERT INTO rooms (id, name, made_by, made_ms) VALUES ($1, $2, $3, $4)
                    ON CONFLICT DO NOTHING";
                let inserted = sqlx::query(insert)
                    .bind(String::from(room.id))
                    .bind(room.name.as_str())
                    .bind(room.by.as_str())
                    .bind(ms(room.at))
                    .execute(&mut *transaction)
                    .await?;
                if inserted.rows_affected() == 0 {
                    transaction.rollback().await?;
                    // Rooms are never removed, so that the other one is there.
                    return self.try_find(room.id).await?.ok_or(sqlx::Error::RowNotFound);
                }
                let own = "INSERT INTO members (room, user_name, role, term, is_member)
                    VALUES ($1, $2, $3, 1, TRUE)";
                sqlx::query(own)
                    .bind(String::from(room.id))
                    .bind(room.by.as_str())
                    .bind(word(Role::Owner))
                    .execute(&mut *transaction)
                    .await?;
                transaction.commit().await?;
                Ok(room.clone())
            }

            async fn try_find(&self, id: RoomId) -> Result<Option<Room>, sqlx::Error> {
                let row: Option<RoomRow> =
                    sqlx::query_as("SELECT name, made_by, made_ms FROM rooms WHERE id = $1")
                        .bind(String::from(id))
                        .fetch_optional(self.database.$reader())
                        .await?;
                row.map(|row| found(id, row)).transpose()
            }

            async fn try_membership(&self, of: &MemberOf) -> Result<Option<Membership>, sqlx::Error> {
                let select =
                    "SELECT role, term FROM members WHERE room = $1 AND user_name = $2 AND is_member";
                let row: Option<(String, i64)> = sqlx::query_as(select)
                    .bind(String::from(of.room))
                    .bind(of.user.as_str())
                    .fetch_optional(self.database.$reader())
                    .await?;
                row.map(|(role, since)| Ok(Membership { role: parsed(&role)?, term: term(since)? }))
                    .transpose()
            }

            /// A transaction that has locked the room, if there is one.
            async fn locked(&self, room: RoomId) -> Result<Option<Transaction<'static, $kind>>, sqlx::Error> {
                let mut transaction = self.database.$writer().begin().await?;
                let found: Option<String> = sqlx::query_scalar($lock)
                    .bind(String::from(room))
                    .fetch_optional(&mut *transaction)
                    .await?;
                Ok(found.map(|_| transaction))
            }

            async fn try_add(&self, add: &AddMembers, most: u32) -> Result<Adding, sqlx::Error> {
                let Some(mut transaction) = self.locked(add.room).await? else { return Ok(Adding::NoOwner) };
                let upsert = concat!(
                    "INSERT INTO members (room, user_name, role, term, is_member)
                    SELECT $1, ",
                    $users,
                    " ON CONFLICT (room, user_name) DO UPDATE SET role = excluded.role, is_member = TRUE,
                        term = members.term + CASE WHEN members.is_member THEN 0 ELSE 1 END
                    WHERE NOT members.is_member OR members.role <> excluded.role"
                );
                // A statement changes a row once only.
                let users: BTreeSet<&User> = add.users.iter().collect();
                sqlx::query(upsert)
                    .bind(String::from(add.room))
                    .bind(json(&users))
                    .bind(word(add.role))
                    .execute(&mut *transaction)
                    .await?;
                let count = "SELECT count(*), count(CASE WHEN role = 'owner' THEN 1 END)
                    FROM members WHERE room = $1 AND is_member";
                let (members, owners): (i64, i64) =
                    sqlx::query_as(count).bind(String::from(add.room)).fetch_one(&mut *transaction).await?;
                let adding = match u32::try_from(members).ok().filter(|members| *members <= most) {
                    None => Adding::Full,
                    Some(_) if owners == 0 => Adding::NoOwner,
                    Some(members) => Adding::Added(members),
                };
                if matches!(adding, Adding::Added(_)) {
                    transaction.commit().await?;
                } else {
                    transaction.rollback().await?;
                }
                Ok(adding)
            }

            async fn try_end(&self, of: &MemberOf) -> Result<Ending, sqlx::Error> {
                let Some(mut transaction) = self.locked(of.room).await? else { return Ok(Ending::NoMember) };
                let select = "SELECT role, term, is_member,
                        (SELECT max(term) FROM member_ends WHERE room = $1 AND user_name = $2),
                        EXISTS (SELECT 1 FROM members AS owners
                            WHERE room = $1 AND user_name <> $2 AND is_member AND role = 'owner')
                    FROM members WHERE room = $1 AND user_name = $2";
                let row: Option<LeavingRow> = sqlx::query_as(select)
                    .bind(String::from(of.room))
                    .bind(of.user.as_str())
                    .fetch_optional(&mut *transaction)
                    .await?;
                let Some((role, last, is_member, ending, has_other_owner)) = row else {
                    return Ok(Ending::NoMember);
                };
                if !is_member {
                    return Ok(ending.map(term).transpose()?.map_or(Ending::NoMember, Ending::Ending));
                }
                if parsed(&role)? == Role::Owner && !has_other_owner {
                    return Ok(Ending::LastOwner);
                }
                let end = "UPDATE members SET is_member = FALSE WHERE room = $1 AND user_name = $2";
                let note = "INSERT INTO member_ends (room, user_name, term)
                    SELECT room, user_name, term FROM members WHERE room = $1 AND user_name = $2";
                for statement in [end, note] {
                    sqlx::query(statement)
                        .bind(String::from(of.room))
                        .bind(of.user.as_str())
                        .execute(&mut *transaction)
                        .await?;
                }
                transaction.commit().await?;
                term(last).map(Ending::Ending)
            }

            async fn try_ending(&self, most: u32) -> Result<Vec<EndedMembership>, sqlx::Error> {
                let select = "SELECT room, user_name, term FROM member_ends
                    ORDER BY room, user_name, term LIMIT $1";
                let rows: Vec<(String, String, i64)> =
                    sqlx::query_as(select).bind(i64::from(most)).fetch_all(self.database.$reader()).await?;
                let end = |(of, name, last): (String, String, i64)| {
                    Ok(EndedMembership { room: room(&of)?, user: user(name)?, term: term(last)? })
                };
                rows.into_iter().map(end).collect()
            }

            async fn try_members(&self, query: &MemberQuery) -> Result<MemberPage, sqlx::Error> {
                let select = "SELECT user_name, role FROM members
                    WHERE room = $1 AND is_member AND user_name > $2 ORDER BY user_name LIMIT $3";
                // No name is empty, so that every member is behind the beginning.
                let rows: Vec<MemberRow> = sqlx::query_as(select)
                    .bind(String::from(query.room))
                    .bind(query.after.as_ref().map_or("", User::as_str))
                    .bind(i64::from(query.limit) + 1)
                    .fetch_all(self.database.$reader())
                    .await?;
                page(rows, query.limit as usize)
            }
        }

        #[async_trait]
        impl RoomStore for $store {
            async fn insert(&self, room: &Room) -> Result<Room, Unavailable> {
                self.try_insert(room).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn find(&self, room: RoomId) -> Result<Option<Room>, Unavailable> {
                self.try_find(room).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn membership(&self, of: &MemberOf) -> Result<Option<Membership>, Unavailable> {
                self.try_membership(of).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn add(&self, add: &AddMembers, most: u32) -> Result<Adding, Unavailable> {
                self.try_add(add, most).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn end(&self, of: &MemberOf) -> Result<Ending, Unavailable> {
                self.try_end(of).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn ended(&self, ended: &EndedMembership) -> Result<(), Unavailable> {
                let delete = "DELETE FROM member_ends WHERE room = $1 AND user_name = $2 AND term = $3";
                sqlx::query(delete)
                    .bind(String::from(ended.room))
                    .bind(ended.user.as_str())
                    .bind(i64::from(ended.term.0))
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(())
            }

            async fn ending(&self, most: u32) -> Result<Vec<EndedMembership>, Unavailable> {
                self.try_ending(most).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn members(&self, query: &MemberQuery) -> Result<MemberPage, Unavailable> {
                self.try_members(query).await.map_err(|error| self.database.unavailable(&error))
            }
        }
    };
}

fn found(id: RoomId, (name, by, made_ms): RoomRow) -> Result<Room, sqlx::Error> {
    Ok(Room { id, name: RoomName::parse(name).map_err(undecoded)?, by: user(by)?, at: moment(made_ms) })
}

/// The page of these rows, of which there is one too many if there is another page.
fn page(rows: Vec<MemberRow>, limit: usize) -> Result<MemberPage, sqlx::Error> {
    let member = |(name, role): MemberRow| Ok(Member { user: user(name)?, role: parsed(&role)? });
    let mut members = rows.into_iter().map(member).collect::<Result<Vec<_>, sqlx::Error>>()?;
    let is_last = members.len() <= limit;
    members.truncate(limit);
    let next = members.last().filter(|_| !is_last).map(|last| last.user.clone());
    Ok(MemberPage { members, next })
}

/// The role as a column.
fn word(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Member => "member",
    }
}

/// The role from a column.
fn parsed(column: &str) -> Result<Role, sqlx::Error> {
    let unknown = || sqlx::Error::Decode(format!("no role is `{column}`").into());
    [Role::Owner, Role::Member].into_iter().find(|role| word(*role) == column).ok_or_else(unknown)
}

room_store! {
    "Rooms in tables of a SQLite file.",
    SqliteRoomStore on Sqlite of sqlx::Sqlite: reads by reader, writes by writer,
    locks by "UPDATE rooms SET id = id WHERE id = $1 RETURNING id",
    lists users by "value, $3, 1, TRUE FROM json_each($2) WHERE TRUE",
    tables by "../../migrations/rooms/sqlite/1_rooms.sql"
}

room_store! {
    "Rooms in tables of a PostgreSQL database.",
    PostgresRoomStore on Postgres of sqlx::Postgres: reads by pool, writes by pool,
    locks by "SELECT id FROM rooms WHERE id = $1 FOR UPDATE",
    lists users by "json_array_elements_text($2::json), $3, 1, TRUE",
    tables by "../../migrations/rooms/postgres/1_rooms.sql"
}
