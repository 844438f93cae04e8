//! Clicks in SQLite.

use async_trait::async_trait;
use backing::{Sqlite, migrate};
use contract::Unavailable;
use shortener::{ClickStore, LinkId, Tally};

/// Clicks in two tables of a SQLite file: the counts, and the ids of the tallies in them.
pub struct SqliteClickStore {
    database: Sqlite,
}

impl SqliteClickStore {
    /// Creates the tables if they do not exist.
    pub async fn open(database: Sqlite) -> anyhow::Result<Self> {
        let scripts = [
            include_str!("../../migrations/clicks/sqlite/1_clicks.sql"),
            include_str!("../../migrations/clicks/sqlite/2_by_link.sql"),
        ];
        migrate(&scripts, "clicks_migrations", database.writer()).await?;
        Ok(Self { database })
    }
}

#[async_trait]
impl ClickStore for SqliteClickStore {
    async fn add(&self, tallies: &[Tally]) -> Result<(), Unavailable> {
        let json = "tallies are strings and numbers";
        let add = if let [tally] = tallies {
            // A summed batch is one tally, and only its counts travel as JSON.
            sqlx::query("INSERT INTO tallies (id, counts) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(String::from(tally.id))
                .bind(serde_json::to_string(&tally.counts).expect(json))
        } else {
            // One statement for any number of tallies: they travel as one JSON parameter, and a trigger
            // counts them.
            sqlx::query(
                "INSERT INTO tallies (id, counts)
                SELECT value ->> 'id', value ->> 'counts' FROM json_each($1) WHERE true
                ON CONFLICT DO NOTHING",
            )
            .bind(serde_json::to_string(tallies).expect(json))
        };
        add.execute(self.database.writer()).await.map_err(|error| self.database.unavailable(&error))?;
        Ok(())
    }

    async fn count(&self, link: LinkId) -> Result<u64, Unavailable> {
        let clicks: Option<i64> = sqlx::query_scalar("SELECT clicks FROM click_counts WHERE link = $1")
            .bind(String::from(link))
            .fetch_optional(self.database.reader())
            .await
            .map_err(|error| self.database.unavailable(&error))?;
        Ok(clicks.map_or(0, i64::unsigned_abs))
    }
}
