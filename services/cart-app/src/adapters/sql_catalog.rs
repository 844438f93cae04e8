//! Products in a table, in SQLite and in PostgreSQL: the same statements, sent through different types.

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use cart::{CatalogStore, Currency, Cursor, Money, Product, ProductId, ProductPage, ProductQuery};
use contract::Unavailable;

use super::rows::{json, undecoded};

/// `id, name, price_minor, currency`
type ProductRow = (String, String, i64, String);

macro_rules! catalog_store {
    (
        $doc:literal, $store:ident on $database:ident: reads by $reader:ident, writes by $writer:ident,
        finds $search:literal, lists ids by $ids:literal, tables by $migration:literal
    ) => {
        #[doc = $doc]
        pub struct $store {
            database: $database,
        }

        impl $store {
            /// Creates the table if it does not exist.
            pub async fn open(database: $database) -> anyhow::Result<Self> {
                migrate(&[include_str!($migration)], "catalog_migrations", database.$writer()).await?;
                Ok(Self { database })
            }

            async fn try_list(&self, query: &ProductQuery) -> Result<ProductPage, sqlx::Error> {
                // A shortcut: every name is looked at. Production would have an index for texts.
                let select = concat!(
                    "SELECT id, name, price_minor, currency FROM products WHERE ",
                    $search,
                    " AND (name, id) > ($2, $3) ORDER BY name, id LIMIT $4"
                );
                // No name is empty, so that every product is behind the beginning.
                let after = query.after.as_ref();
                let rows: Vec<ProductRow> = sqlx::query_as(select)
                    .bind(query.search.to_lowercase())
                    .bind(after.map_or("", |cursor| &cursor.name))
                    .bind(after.map_or_else(String::new, |cursor| cursor.id.into()))
                    .bind(i64::from(query.limit) + 1)
                    .fetch_all(self.database.$reader())
                    .await?;
                page(rows, query.limit as usize)
            }

            async fn try_find(&self, ids: &[ProductId]) -> Result<Vec<Product>, sqlx::Error> {
                let select =
                    concat!("SELECT id, name, price_minor, currency FROM products WHERE id ", $ids);
                let rows: Vec<ProductRow> =
                    sqlx::query_as(select).bind(json(ids)).fetch_all(self.database.$reader()).await?;
                rows.into_iter().map(product).collect()
            }
        }

        #[async_trait]
        impl CatalogStore for $store {
            async fn list(&self, query: &ProductQuery) -> Result<ProductPage, Unavailable> {
                self.try_list(query).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn find(&self, ids: &[ProductId]) -> Result<Vec<Product>, Unavailable> {
                self.try_find(ids).await.map_err(|error| self.database.unavailable(&error))
            }

            async fn store(&self, product: &Product) -> Result<(), Unavailable> {
                let upsert = "INSERT INTO products (id, name, folded_name, price_minor, currency)
                    VALUES ($1, $2, $3, $4, $5)
                    ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded_name = excluded.folded_name,
                        price_minor = excluded.price_minor, currency = excluded.currency";
                sqlx::query(upsert)
                    .bind(String::from(product.id))
                    .bind(product.name.as_str())
                    .bind(product.name.to_lowercase())
                    .bind(product.price.minor)
                    .bind(String::from(product.price.currency))
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(())
            }
        }
    };
}

fn product((id, name, minor, currency): ProductRow) -> Result<Product, sqlx::Error> {
    let price = Money::new(minor, Currency::parse(&currency).map_err(undecoded)?);
    Ok(Product { id: ProductId::parse(&id).map_err(undecoded)?, name, price })
}

/// The page of these rows, of which there is one too many if there is another page.
fn page(rows: Vec<ProductRow>, limit: usize) -> Result<ProductPage, sqlx::Error> {
    let mut products = rows.into_iter().map(product).collect::<Result<Vec<_>, _>>()?;
    let is_last = products.len() <= limit;
    products.truncate(limit);
    let cursor = |last: &Product| Cursor { name: last.name.clone(), id: last.id };
    let next = products.last().filter(|_| !is_last).map(cursor);
    Ok(ProductPage { products, next })
}

catalog_store! {
    "Products in a table of a SQLite file.",
    SqliteCatalogStore on Sqlite: reads by reader, writes by writer,
    finds "instr(folded_name, $1) > 0", lists ids by "IN (SELECT value FROM json_each($1))",
    tables by "../../migrations/catalog/sqlite/1_catalog.sql"
}

catalog_store! {
    "Products in a table of a PostgreSQL database.",
    PostgresCatalogStore on Postgres: reads by pool, writes by pool,
    finds "strpos(folded_name, $1) > 0",
    lists ids by "= ANY (ARRAY(SELECT json_array_elements_text($1::json)))",
    tables by "../../migrations/catalog/postgres/1_catalog.sql"
}
