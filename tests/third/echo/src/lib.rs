//! The echo's business logic: one component behind its contract.
//!
//! | component | contract | logic | dependencies |
//! |---|---|---|---|
//! | `echoes` | [`Echoes`] | [`EchoService`] | none |
//!
//! The echo is the third system of the tests: the smallest that there can be, to see what a new system costs.

mod echo_service;
mod echoes;

pub use echo_service::EchoService;
pub use echoes::{EchoError, Echoed, Echoes, Said};
