//! Clicks in PostgreSQL.

use std::collections::HashSet;

use async_trait::async_trait;
use backing::{Postgres, migrate};
use contract::Unavailable;
use shortener::{ClickStore, LinkId, Tally};

/// Clicks in two tables of a PostgreSQL database: the counts, and the ids of the tallies in them.
pub struct PostgresClickStore {
    database: Postgres,
}

impl PostgresClickStore {
    /// Creates the tables if they do not exist.
    pub async fn open(database: Postgres) -> anyhow::Result<Self> {
        let scripts = [
            include_str!("../../migrations/clicks/postgres/1_clicks.sql"),
            include_str!("../../migrations/clicks/postgres/2_by_link.sql"),
        ];
        migrate(&scripts, "clicks_migrations", database.pool()).await?;
        Ok(Self { database })
    }
}

#[async_trait]
impl ClickStore for PostgresClickStore {
    async fn add(&self, tallies: &[Tally]) -> Result<(), Unavailable> {
        // One statement, so all or nothing. It inserts in the order of ids and of links, so that two calls
        // cannot deadlock.
        let add = "WITH fresh AS (
                INSERT INTO tallies (id) SELECT DISTINCT unnest($1::text[]) AS id ORDER BY id
                ON CONFLICT DO NOTHING RETURNING id
            )
            INSERT INTO click_counts (link, clicks)
            SELECT t.link, sum(t.clicks)::bigint FROM unnest($1::text[], $2::text[], $3::bigint[]) AS t (id, link, clicks)
            JOIN fresh USING (id) GROUP BY t.link ORDER BY t.link
            ON CONFLICT (link) DO UPDATE SET clicks = click_counts.clicks + excluded.clicks";
        // A tally that occurs twice in one call counts once as well.
        let mut seen = HashSet::new();
        let (mut ids, mut links, mut clicks) = (Vec::new(), Vec::new(), Vec::new());
        for tally in tallies.iter().filter(|tally| seen.insert(tally.id)) {
            for (link, count) in &tally.counts {
                ids.push(String::from(tally.id));
                links.push(String::from(*link));
                clicks.push(i64::from(*count));
            }
        }
        sqlx::query(add)
            .bind(ids)
            .bind(links)
            .bind(clicks)
            .execute(self.database.pool())
            .await
            .map_err(|error| self.database.unavailable(&error))?;
        Ok(())
    }

    async fn count(&self, link: LinkId) -> Result<u64, Unavailable> {
        let clicks: Option<i64> = sqlx::query_scalar("SELECT clicks FROM click_counts WHERE link = $1")
            .bind(String::from(link))
            .fetch_optional(self.database.pool())
            .await
            .map_err(|error| self.database.unavailable(&error))?;
        Ok(clicks.map_or(0, i64::unsigned_abs))
    }
}
