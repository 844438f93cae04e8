//! The adapters of the cart's ports.
//!
//! Siblings have the same members in the same order, so that two stores can be read side by side. Each store exists for
//! SQLite and for PostgreSQL: their statements are the same, where the databases let them be. A list of ids, for one, is a
//! parameter of JSON to both; PostgreSQL finds the members of an array by an index, and would read the whole table for a
//! subquery.
//!
//! Read in this order: `rows` (columns, and why a transaction is not committed); `inbox`; the small stores `sql_catalog`,
//! `sql_carts`, `sql_notices`, `sql_payments`; the participants `sql_vouchers` and `sql_stock`; `sql_orders`; `sql_shop`, a
//! whole checkout in one transaction over the three before; and `provider_client`.
//!
//! Transactions lock in one order, so that no two wait for each other: the key of the request, the order, its voucher's
//! redemption, the voucher, its reservation, the goods by the products' ids, and the sales by the same.

mod inbox;
mod provider_client;
mod rows;
mod sql_carts;
mod sql_catalog;
mod sql_notices;
mod sql_orders;
mod sql_payments;
mod sql_shop;
mod sql_stock;
mod sql_vouchers;

pub use provider_client::HttpProvider;
pub use sql_carts::{PostgresCartStore, SqliteCartStore};
pub use sql_catalog::{PostgresCatalogStore, SqliteCatalogStore};
pub use sql_notices::{PostgresNoticeStore, SqliteNoticeStore};
pub use sql_orders::{PostgresOrderStore, SqliteOrderStore};
pub use sql_payments::{PostgresPaymentStore, SqlitePaymentStore};
pub use sql_shop::{PostgresShop, SqliteShop};
pub use sql_stock::{GoodsMetrics, PostgresStockStore, SqliteStockStore};
pub use sql_vouchers::{PostgresVoucherStore, SqliteVoucherStore};
