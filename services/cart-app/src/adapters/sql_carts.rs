//! Carts in a table, in SQLite and in PostgreSQL: the same statements, sent through different types.

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use cart::{Cart, CartId, CartStore, Version};
use contract::Unavailable;

use super::rows::{count, json, parsed};

macro_rules! cart_store {
    (
        $doc:literal, $store:ident on $database:ident: reads by $reader:ident, writes by $writer:ident,
        tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
        }

        impl $store {
            /// Creates the table if it does not exist.
            pub async fn open(database: $database) -> anyhow::Result<Self> {
                migrate(&[include_str!($migration)], "carts_migrations", database.$writer()).await?;
                Ok(Self { database })
            }

            async fn try_find(&self, id: CartId) -> Result<Option<Cart>, sqlx::Error> {
                let cart: Option<String> = sqlx::query_scalar("SELECT cart FROM carts WHERE id = $1")
                    .bind(String::from(id))
                    .fetch_optional(self.database.$reader())
                    .await?;
                cart.map(|cart| parsed(&cart)).transpose()
            }

            async fn try_insert(&self, cart: &Cart) -> Result<Cart, sqlx::Error> {
                let insert =
                    "INSERT INTO carts (id, version, cart) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
                let inserted = sqlx::query(insert)
                    .bind(String::from(cart.id))
                    .bind(count(cart.version.0))
                    .bind(json(cart))
                    .execute(self.database.$writer())
                    .await?;
                if inserted.rows_affected() == 1 {
                    return Ok(cart.clone());
                }
                // Carts are never removed, so that the other one is there.
                self.try_find(cart.id).await?.ok_or(sqlx::Error::RowNotFound)
            }
        }

        #[async_trait]
        impl CartStore for $store {
            async fn insert(&self, cart: &Cart) -> Result<Cart, Unavailable> {
                self.try_insert(cart).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn find(&self, id: CartId) -> Result<Option<Cart>, Unavailable> {
                self.try_find(id).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn replace(&self, cart: &Cart, replaced: Version) -> Result<bool, Unavailable> {
                let replace = "UPDATE carts SET version = $2, cart = $3 WHERE id = $1 AND version = $4";
                let updated = sqlx::query(replace)
                    .bind(String::from(cart.id))
                    .bind(count(cart.version.0))
                    .bind(json(cart))
                    .bind(count(replaced.0))
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(updated.rows_affected() == 1)
            }
        }
    };
}

cart_store! {
    "Carts in a table of a SQLite file.",
    SqliteCartStore on Sqlite: reads by reader, writes by writer,
    tables by "../../migrations/carts/sqlite/1_carts.sql"
}

cart_store! {
    "Carts in a table of a PostgreSQL database.",
    PostgresCartStore on Postgres: reads by pool, writes by pool,
    tables by "../../migrations/carts/postgres/1_carts.sql"
}
