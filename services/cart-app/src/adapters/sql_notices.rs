//! Notices in a table, in SQLite and in PostgreSQL: the same statements, sent through different types.

use async_trait::async_trait;
use backing::{Postgres, Sqlite, migrate};
use cart::{CustomerId, EventId, Notice, NoticeStore, OrderId};
use contract::Unavailable;

use super::rows::{count, moment, ms, undecoded};

/// `event, customer, text, at_ms`
type NoticeRow = (String, String, String, i64);

macro_rules! notice_store {
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
                migrate(&[include_str!($migration)], "notices_migrations", database.$writer()).await?;
                Ok(Self { database })
            }

            async fn try_of_order(&self, order: OrderId, most: usize) -> Result<Vec<Notice>, sqlx::Error> {
                let select = "SELECT event, customer, text, at_ms FROM notices
                    WHERE order_id = $1 ORDER BY at_ms, number LIMIT $2";
                let rows: Vec<NoticeRow> = sqlx::query_as(select)
                    .bind(String::from(order))
                    .bind(count(most as u64))
                    .fetch_all(self.database.$reader())
                    .await?;
                rows.into_iter().map(|row| notice(order, row)).collect()
            }
        }

        #[async_trait]
        impl NoticeStore for $store {
            async fn insert(&self, notice: &Notice) -> Result<(), Unavailable> {
                let insert = "INSERT INTO notices (event, order_id, customer, text, at_ms)
                    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
                sqlx::query(insert)
                    .bind(String::from(notice.event))
                    .bind(String::from(notice.order))
                    .bind(String::from(notice.customer))
                    .bind(notice.text.as_str())
                    .bind(ms(notice.at))
                    .execute(self.database.$writer())
                    .await
                    .map_err(|error| self.database.unavailable(&error))?;
                Ok(())
            }

            async fn of_order(&self, order: OrderId, most: usize) -> Result<Vec<Notice>, Unavailable> {
                self.try_of_order(order, most).await.map_err(|error| self.database.unavailable(&error))
            }
        }
    };
}

fn notice(order: OrderId, (event, customer, text, at_ms): NoticeRow) -> Result<Notice, sqlx::Error> {
    Ok(Notice {
        event: EventId::parse(&event).map_err(undecoded)?,
        order,
        customer: CustomerId::parse(&customer).map_err(undecoded)?,
        text,
        at: moment(at_ms),
    })
}

notice_store! {
    "Notices in a table of a SQLite file.",
    SqliteNoticeStore on Sqlite: reads by reader, writes by writer,
    tables by "../../migrations/notices/sqlite/1_notices.sql"
}

notice_store! {
    "Notices in a table of a PostgreSQL database.",
    PostgresNoticeStore on Postgres: reads by pool, writes by pool,
    tables by "../../migrations/notices/postgres/1_notices.sql"
}
