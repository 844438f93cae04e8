//! The cart as it runs: edge, adapters, remote forms and wiring around the logic of `cart`.
//!
//! Read in this order: `wiring` (the architecture, top to bottom), `system` (the same as data, for the lab), `axes` (its own
//! axes), `edge` (the public API), `cursor` (where a page begins, as clients see it), `remotes` (the components' remote
//! forms), `topics` (the topics of its events), `postbox` (how messages leave a transaction), `consumers` (of the topics),
//! `timers` (background jobs), `adapters`; and, for tests alone, `failpoints` (where a test ends a process).

mod adapters;
pub mod axes;
pub mod consumers;
mod cursor;
pub mod edge;
#[cfg(feature = "failpoints")]
pub mod failpoints;
pub mod postbox;
pub mod remotes;
mod system;
mod timers;
pub mod topics;
mod wiring;

pub use adapters::{
    GoodsMetrics, HttpProvider, PostgresCartStore, PostgresCatalogStore, PostgresNoticeStore,
    PostgresOrderStore, PostgresPaymentStore, PostgresShop, PostgresStockStore, PostgresVoucherStore,
    SqliteCartStore, SqliteCatalogStore, SqliteNoticeStore, SqliteOrderStore, SqlitePaymentStore, SqliteShop,
    SqliteStockStore, SqliteVoucherStore,
};
pub use system::SYSTEM;

/// The cart, for `lab host`.
pub static SERVICE: runtime::Service = runtime::Service {
    system: &SYSTEM,
    wire: |host| Box::pin(wiring::wire(host)),
    descriptors: tonic::include_file_descriptor_set!("descriptors"),
};
