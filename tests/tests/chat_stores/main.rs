//! The chat's stores in SQLite and PostgreSQL: its behaviours over them, which are the files of the pure crate's own suite;
//! each sentence of the ports; and what only a database shows, because there calls run at the same time.

#![expect(clippy::duplicate_mod, reason = "each behaviour is there once for each database")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has nothing to say")]

mod ground;
mod ports;
mod postgres;
mod sqlite;

#[path = "../../../services/chat/tests/suite/faults.rs"]
mod faults;
#[path = "../../../services/chat/tests/suite/stores.rs"]
mod stores;
#[path = "../../../services/chat/tests/suite/support.rs"]
mod support;
#[path = "../../../services/chat/tests/suite/transport.rs"]
mod transport;
