//! Clicks in PostgreSQL.

use async_trait::async_trait;
use backing::Postgres;
use contract::Unavailable;
use shortener::{ClickStore, Code, Tally};

use super::{migrate, unavailable};

/// Clicks in two tables of a PostgreSQL database: the counts, and the tallies that are in them.
pub struct PostgresClickStore {
    database: Postgres,
}

impl PostgresClickStore {
    /// Makes the tables if they are not there.
    pub async fn open(database: Postgres) -> anyhow::Result<Self> {
        let migrator = sqlx::migrate!("migrations/clicks/postgres");
        migrate(migrator, "clicks_migrations", database.pool()).await?;
        Ok(Self { database })
    }
}

#[async_trait]
impl ClickStore for PostgresClickStore {
    async fn add(&self, tallies: &[Tally]) -> Result<(), Unavailable> {
        // One statement, so all or nothing; in the order of the codes, so that two of them never wait for each other.
        let add = "WITH fresh AS (
                INSERT INTO tallies (id) SELECT DISTINCT unnest($1::text[]) ON CONFLICT DO NOTHING RETURNING id
            ), added AS (
                SELECT t.code, sum(t.clicks)::bigint AS clicks
                FROM (SELECT DISTINCT ON (id) * FROM unnest($1::text[], $2::text[], $3::bigint[])
                      AS t (id, code, clicks)) AS t JOIN fresh USING (id) GROUP BY t.code ORDER BY t.code
            )
            INSERT INTO click_counts (code, clicks) SELECT code, clicks FROM added
            ON CONFLICT (code) DO UPDATE SET clicks = click_counts.clicks + excluded.clicks";
        let ids: Vec<String> = tallies.iter().map(|tally| tally.id.into()).collect();
        let codes: Vec<&str> = tallies.iter().map(|tally| tally.code.as_str()).collect();
        let clicks: Vec<i64> = tallies.iter().map(|tally| i64::from(tally.clicks)).collect();
        sqlx::query(add)
            .bind(ids)
            .bind(codes)
            .bind(clicks)
            .execute(self.database.pool())
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(())
    }

    async fn count(&self, code: &Code) -> Result<u64, Unavailable> {
        let clicks: Option<i64> = sqlx::query_scalar("SELECT clicks FROM click_counts WHERE code = $1")
            .bind(code.as_str())
            .fetch_optional(self.database.pool())
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(clicks.map_or(0, i64::unsigned_abs))
    }
}
