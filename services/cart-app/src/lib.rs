//! The cart as it runs: edge, remote forms and messages around the logic of `cart`.
//!
//! Read in this order: `axes` (its own axes), `edge` (the public API), `remotes` (the components' remote forms), `topics`
//! (the topics of its events), `postbox` (how messages leave a transaction), `consumers` (who takes them), `adapters`.

mod adapters;
pub mod axes;
pub mod consumers;
pub mod edge;
pub mod postbox;
pub mod remotes;
pub mod topics;

pub use adapters::{
    HttpProvider, PostgresCartStore, PostgresCatalogStore, PostgresNoticeStore, PostgresOrderStore,
    PostgresPaymentStore, PostgresShop, PostgresStockStore, PostgresVoucherStore, SqliteCartStore,
    SqliteCatalogStore, SqliteNoticeStore, SqliteOrderStore, SqlitePaymentStore, SqliteShop,
    SqliteStockStore, SqliteVoucherStore,
};
