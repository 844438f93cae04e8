//! The number source of `codes = counter`, in the links' own database.

use async_trait::async_trait;
use backing::Database;
use contract::Unavailable;
use shortener::Numbers;

/// A counter in a row.
pub struct StoreNumbers {
    database: Database,
}

impl StoreNumbers {
    /// Uses a database in which the link store has created the tables.
    pub fn new(database: Database) -> Self {
        Self { database }
    }
}

#[async_trait]
impl Numbers for StoreNumbers {
    async fn reserve(&self, count: u64) -> Result<u64, Unavailable> {
        let reserve = "UPDATE numbers SET next = next + $1 WHERE id = 1 RETURNING next - $1";
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let first: Result<i64, sqlx::Error> = match &self.database {
            Database::Sqlite(database) => {
                sqlx::query_scalar(reserve).bind(count).fetch_one(database.writer()).await
            }
            Database::Postgres(database) => {
                sqlx::query_scalar(reserve).bind(count).fetch_one(database.pool()).await
            }
        };
        first.map(i64::unsigned_abs).map_err(|error| self.database.unavailable(&error))
    }
}
