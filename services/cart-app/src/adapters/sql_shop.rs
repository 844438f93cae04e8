//! A whole checkout in one transaction, in SQLite and in PostgreSQL.

use async_trait::async_trait;
use backing::{Postgres, Sqlite, failpoint};
use cart::{Decision, Outcome, Refusal, Reply, RequestKey, ShopTransaction, ports::Refuse};
use contract::Unavailable;
use sqlx::Acquire as _;

use super::{
    rows::Aborted,
    sql_orders::{OrderRows as _, PostgresOrderStore, SqliteOrderStore, store_new, store_sale},
    sql_stock::{
        GoodsMetrics, MOST_CONFLICTS, PostgresStockStore, Row, SqliteStockStore, StockRows as _,
        is_checked_before, products, sell,
    },
    sql_vouchers::{PostgresVoucherStore, SqliteVoucherStore, redeem},
};
use crate::{axes::StockStrategy, postbox::OrderPost};

/// What became of an attempt to place an order.
enum Placed {
    /// This is the reply that is stored.
    Replied(Reply),
    /// Goods or voucher were refused, and nothing is stored.
    Refused(Refusal),
}

macro_rules! shop_transaction {
    (
        $doc:literal, $shop:ident on $database:ident by $writer:ident,
        over the tables of $stock:ident, $vouchers:ident and $orders:ident
    ) => {
        #[doc = $doc]
        ///
        /// The tables are those of the stores of stock, vouchers and orders.
        pub struct $shop {
            database: $database,
            strategy: StockStrategy,
            post: OrderPost,
            metrics: GoodsMetrics,
        }

        impl $shop {
            /// Places orders in this database, and creates the tables of the stores if they do not exist.
            pub async fn open(
                database: $database,
                strategy: StockStrategy,
                post: OrderPost,
            ) -> anyhow::Result<Self> {
                $stock::create_tables(&database).await?;
                $vouchers::create_tables(&database).await?;
                $orders::create_tables(&database).await?;
                Ok(Self { database, strategy, post, metrics: GoodsMetrics::default() })
            }

            /// The same, counting what it does to goods here.
            #[must_use]
            pub fn measured(self, metrics: GoodsMetrics) -> Self {
                Self { metrics, ..self }
            }

            /// Locks what only this checkout wants first, and what others want as well last: from then on they wait for
            /// the commit.
            async fn try_place(&self, key: &RequestKey, decision: &Decision) -> Result<Placed, Aborted> {
                let (order, reply) = (&decision.purchase.order, decision.purchase.reply());
                failpoint::reached("checkout", "authorised");
                let seen = self.seen(decision).await?;
                let mut transaction = self.database.$writer().begin().await?;
                if let Some(before) = transaction.answer_key(key, &reply).await? {
                    return Ok(Placed::Replied(before));
                }
                let leaving = store_new(&mut transaction, &self.post, decision, true).await?;
                if let Some(code) = &order.voucher {
                    let redeemed = redeem(&mut transaction, order.id, code, order.customer).await?;
                    if let Outcome::Refused(refusal) = redeemed {
                        transaction.rollback().await?;
                        return Ok(Placed::Refused(refusal));
                    }
                }
                let (lines, now) = (order.ordered(), order.made_at);
                let sold = sell(&mut transaction, self.strategy, order.id, lines, &seen, now).await?;
                if let Outcome::Refused(refusal) = sold.outcome {
                    transaction.rollback().await?;
                    return Ok(Placed::Refused(refusal));
                }
                store_sale(&mut transaction, decision).await?;
                failpoint::reached("checkout", "uncommitted");
                transaction.commit().await?;
                self.metrics.committed(sold.since);
                failpoint::reached("checkout", "committed");
                leaving.send().await;
                Ok(Placed::Replied(reply))
            }

            /// What is checked before the transaction.
            async fn seen(&self, decision: &Decision) -> Result<Vec<Row>, sqlx::Error> {
                if !is_checked_before(self.strategy) {
                    return Ok(Vec::new());
                }
                let ordered = products(&decision.purchase.order.ordered());
                self.database.$writer().begin().await?.read(&ordered).await
            }

            /// Stores a refusal. Nothing of the order is left by then, so that the goods it did not get are free at once.
            async fn try_refuse(&self, key: &RequestKey, refused: &Decision) -> Result<Reply, Aborted> {
                let reply = refused.purchase.reply();
                let mut transaction = self.database.$writer().begin().await?;
                if let Some(before) = transaction.answer_key(key, &reply).await? {
                    return Ok(before);
                }
                let leaving = store_new(&mut transaction, &self.post, refused, true).await?;
                failpoint::reached("refusal", "uncommitted");
                transaction.commit().await?;
                failpoint::reached("refusal", "committed");
                leaving.send().await;
                Ok(reply)
            }

            fn unavailable(&self, aborted: Aborted) -> Unavailable {
                aborted.unavailable(|error| self.database.unavailable(error))
            }
        }

        #[async_trait]
        impl ShopTransaction for $shop {
            async fn place(
                &self,
                key: &RequestKey,
                decision: &Decision,
                refuse: &Refuse<'_>,
            ) -> Result<Reply, Unavailable> {
                for _ in 0..MOST_CONFLICTS {
                    let placed = match self.try_place(key, decision).await {
                        Ok(Placed::Replied(reply)) => Ok(reply),
                        Ok(Placed::Refused(refusal)) => self.try_refuse(key, &refuse(refusal)).await,
                        Err(Aborted::Conflict) => continue,
                        Err(aborted) => Err(aborted),
                    };
                    return placed.map_err(|aborted| self.unavailable(aborted));
                }
                Err(self.unavailable(Aborted::Conflict))
            }
        }
    };
}

shop_transaction! {
    "Places orders in one transaction of a SQLite file.",
    SqliteShop on Sqlite by writer,
    over the tables of SqliteStockStore, SqliteVoucherStore and SqliteOrderStore
}

shop_transaction! {
    "Places orders in one transaction of a PostgreSQL database.",
    PostgresShop on Postgres by pool,
    over the tables of PostgresStockStore, PostgresVoucherStore and PostgresOrderStore
}
