//! Links in a table, in SQLite and in PostgreSQL: the same statements, sent through different types.

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use contract::Unavailable;
use shortener::{Code, Inserted, Link, LinkStore, NewLink, RequestKey};

use super::row::{COLUMNS, LinkRow, MadeRow, link, made, ms};

macro_rules! link_store {
    ($doc:literal, $store:ident on $database:ident: reads by $reader:ident, writes by $writer:ident, tables by $($migration:literal),+) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
        }

        impl $store {
            /// Creates the table if it does not exist.
            pub async fn open(database: $database) -> anyhow::Result<Self> {
                migrate(&[$(include_str!($migration)),+], "links_migrations", database.$writer()).await?;
                Ok(Self { database })
            }

            async fn try_find(&self, code: &Code) -> Result<Option<Link>, sqlx::Error> {
                let select = format!("SELECT {COLUMNS} FROM links WHERE code = $1");
                let row: Option<LinkRow> = sqlx::query_as(sqlx::AssertSqlSafe(select))
                    .bind(code.as_str())
                    .fetch_optional(self.database.$reader())
                    .await?;
                row.map(link).transpose()
            }

            async fn try_made_by(&self, key: &RequestKey) -> Result<Option<NewLink>, sqlx::Error> {
                let select = format!("SELECT {COLUMNS}, aliased FROM links WHERE request_key = $1");
                let row: Option<MadeRow> = sqlx::query_as(sqlx::AssertSqlSafe(select))
                    .bind(key.as_str())
                    .fetch_optional(self.database.$reader())
                    .await?;
                row.map(|row| made(row, key)).transpose()
            }

            async fn try_insert(&self, new: NewLink) -> Result<Inserted, sqlx::Error> {
                let NewLink { link, key, aliased } = new;
                let insert = "INSERT INTO links (id, code, target, created_ms, expires_ms, request_key, aliased)
                    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
                let inserted = sqlx::query(insert)
                    .bind(String::from(link.id))
                    .bind(link.code.as_str())
                    .bind(link.target.as_str())
                    .bind(ms(link.created_at))
                    .bind(link.expires_at.map(ms))
                    .bind(key.as_str())
                    .bind(aliased)
                    .execute(self.database.$writer())
                    .await?;
                if inserted.rows_affected() == 1 {
                    return Ok(Inserted::Stored);
                }
                // One of two unique columns conflicted. If the key exists, its request made a link before.
                let before = self.try_made_by(&key).await?;
                Ok(before.map_or(Inserted::CodeTaken, Inserted::Replayed))
            }
        }

        #[async_trait]
        impl LinkStore for $store {
            async fn insert(&self, new: NewLink) -> Result<Inserted, Unavailable> {
                self.try_insert(new).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn find(&self, code: &Code) -> Result<Option<Link>, Unavailable> {
                self.try_find(code).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn made_by(&self, key: &RequestKey) -> Result<Option<NewLink>, Unavailable> {
                self.try_made_by(key).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn remove(&self, code: &Code) -> Result<(), Unavailable> {
                sqlx::query("DELETE FROM links WHERE code = $1")
                    .bind(code.as_str())
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(())
            }
        }
    };
}

link_store! {
    "Links in a table of a SQLite file.",
    SqliteLinkStore on Sqlite: reads by reader, writes by writer, tables by "../../migrations/links/sqlite/1_links.sql", "../../migrations/links/sqlite/2_lives.sql"
}

link_store! {
    "Links in a table of a PostgreSQL database.",
    PostgresLinkStore on Postgres: reads by pool, writes by pool, tables by "../../migrations/links/postgres/1_links.sql", "../../migrations/links/postgres/2_lives.sql"
}
