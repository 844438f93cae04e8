//! The stand-in provider as its customers see it, over HTTP.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

mod bad_input;
mod books;
mod changes;
mod keys;
mod restarts;
mod support;
mod webhooks;
