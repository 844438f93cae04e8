//! A stand-in for a payment provider such as Stripe: software of another company, whose customer is a shop.
//!
//! It authorises, captures, voids and refunds charges, tells the shop by webhooks what became of them, and keeps its
//! own books in a SQLite file, so that it survives SIGKILL as a real provider does.
//! A ledger compares the shop's orders with these books.
//! It knows nothing of any shop, and depends on no other crate of the workspace.
//!
//! | request | replies |
//! |---|---|
//! | `POST /charges` | 201; 400, 409, 422 |
//! | `POST /charges/{id}/capture`, `/void`, `/refunds` | 200, a refund 201; 400, 404, 409, 422 |
//! | `GET /charges/{id}` | 200; 404 |
//! | `GET /charges?order=ID`, `GET /books` | 200, a page; 422 |
//! | `PUT /webhook-endpoint`, `GET /webhook-endpoint` | 200 with the secret of signatures; 422 |
//! | `GET /health` | 200 |
//!
//! Every `POST` needs an `Idempotency-Key`.
//! The first reply to it is stored and repeated, a refusal too; 422 for other parameters, 409 while it is in flight
//! (draft-ietf-httpapi-idempotency-key-header-07).
//! Keys are kept for ever; a real provider forgets them after a day or more.
//!
//! # Injected faults
//!
//! A [`Script`] says how slow it is, what it declines, which replies never come although the work is done, and how
//! webhooks arrive: once, twice, before the reply, late, out of order or never.
//! Each choice is a hash of the script's seed and the request's key, so a repeated run makes the same choices whatever
//! order its requests arrive in.
//!
//! # What it leaves out
//!
//! Cards, customers, disputes, payouts, fees, authentication and TLS: whoever reaches it may charge.
//! A charge is in one currency, is captured once, and its authorisation expires without an event.
//!
//! Read in this order: `charge` (pure: what may be done to a charge), `script` and `choice` (what goes wrong), `config`,
//! `books` (the SQLite file), `signature`, `webhooks`, `execution` (a command from its key to its reply), `edge` (the API),
//! `server`, `provider` (all of it); and the small `clock`, `problem` and `shown`.

mod books;
mod charge;
mod choice;
mod clock;
mod config;
mod edge;
mod execution;
mod problem;
mod provider;
mod script;
mod server;
mod shown;
mod signature;
mod webhooks;

pub use config::{Config, ConfigError, Limits, WebhookLimits};
pub use provider::{StartError, run, serve};
pub use script::{Latency, Script, WebhookShares};
pub use signature::{SIGNATURE, signature};
