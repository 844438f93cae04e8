//! Policies in a table of one row, in SQLite and in PostgreSQL: the same statements, sent through different
//! types.

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use contract::{Unavailable, Why};
use limiter::{Policy, PolicySet, PolicyStore, Stored};

macro_rules! policy_store {
    ($doc:literal, $store:ident on $database:ident: reads by $reader:ident, writes by $writer:ident, tables by $migration:literal) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
        }

        impl $store {
            /// Creates the table if it does not exist.
            pub async fn open(database: $database) -> anyhow::Result<Self> {
                migrate(&[include_str!($migration)], "policies_migrations", database.$writer()).await?;
                Ok(Self { database })
            }
        }

        #[async_trait]
        impl PolicyStore for $store {
            async fn load(&self) -> Result<PolicySet, Unavailable> {
                let (version, policies): (i64, String) =
                    sqlx::query_as("SELECT version, policies FROM policies WHERE id = 1")
                        .fetch_one(self.database.$reader())
                        .await
                        .map_err(|error| self.database.unavailable(&error))?;
                let policies = serde_json::from_str(&policies).map_err(|_| unreadable())?;
                Ok(PolicySet { version: version.unsigned_abs(), policies })
            }

            async fn store(&self, set: &PolicySet, replaced: u64) -> Result<Stored, Unavailable> {
                let update = "UPDATE policies SET version = $1, policies = $2 WHERE id = 1 AND version = $3";
                let policies = serde_json::to_string(&set.policies).map_err(|_| unreadable())?;
                let updated = sqlx::query(update)
                    .bind(set.version.cast_signed())
                    .bind(policies)
                    .bind(replaced.cast_signed())
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(if updated.rows_affected() == 1 { Stored::Stored } else { Stored::Changed })
            }

            async fn store_over_any(&self, policies: &[Policy]) -> Result<u64, Unavailable> {
                let update =
                    "UPDATE policies SET version = version + 1, policies = $1 WHERE id = 1 RETURNING version";
                let policies = serde_json::to_string(policies).map_err(|_| unreadable())?;
                let version: i64 = sqlx::query_scalar(update)
                    .bind(policies)
                    .fetch_one(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(version.unsigned_abs())
            }
        }
    };
}

/// The error for stored policies that this version cannot parse.
fn unreadable() -> Unavailable {
    Unavailable::new("database", Why::Misunderstood)
}

policy_store! {
    "Policies in a table of a SQLite file.",
    SqlitePolicyStore on Sqlite: reads by reader, writes by writer, tables by "../../migrations/policies/sqlite/1_policies.sql"
}

policy_store! {
    "Policies in a table of a PostgreSQL database.",
    PostgresPolicyStore on Postgres: reads by pool, writes by pool, tables by "../../migrations/policies/postgres/1_policies.sql"
}
