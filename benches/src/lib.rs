//! The lab's own costs, compared with bare references, in interleaved runs.
//!
//! Each bench is a program of its own: `cargo bench -p benches --bench NAME`.
//!
//! | bench | question |
//! |---|---|
//! | `paths` | what do the platform, a hop and tracing cost an operation, next to a bare axum handler? |
//! | `stores` | what does a look-up cost in memory, in Redis, in PostgreSQL, backings included? |
//! | `checkout` | how many checkouts in one transaction a second does the shop do, next to pgbench with the same SQL? |
//! | `chat` | what do a delivery, a connection and a stalled reader cost the chat, next to a bare broadcast and to Centrifugo? |
//! | `layer` | what does the limiter's layer cost, before a bare axum handler? |
//! | `generator` | what does the generator cost a request, next to wrk? how late does it send? |
//! | `limiter` | what does a local decision cost next to the crate `governor`? what do a million keys hold? is it right? |
//! | `alike` | how often are two identical arms called different? |
//! | `stall` | does the generator see a stalled server as arithmetic says that it must? |

pub mod bare;
pub mod interleaved;
pub mod reference_server;
pub mod references;
