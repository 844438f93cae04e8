//! Events in a process: the transports of its topics, as the axis `events` selects them; traces across events; outboxes;
//! and the admin API of dead letters.
//!
//! Read in this order: `routes`, `traced`, `outbox`, `dead_letters`.

mod dead_letters;
#[cfg(test)]
mod example;
mod outbox;
mod routes;
mod traced;

pub(crate) use dead_letters::routes as dead_letter_routes;
pub(crate) use routes::Topics;
