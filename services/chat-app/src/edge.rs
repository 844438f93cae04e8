//! The public API of the chat.
//!
//! | request | replies |
//! |---|---|
//! | `POST /tokens` | 201; 422 |
//! | `POST /rooms` | 201; 401, 409, 422 |
//! | `GET /rooms/{room}` | 200; 401, 403, 404 |
//! | `POST /rooms/{room}/members` | 200; 401, 403, 404, 409, 422 |
//! | `DELETE /rooms/{room}/members/{user}` | 204; 401, 403, 404, 409 |
//! | `GET /rooms/{room}/members`, `?after=`, `?limit=` | 200; 401, 403, 404, 422 |
//! | `GET /rooms/{room}/messages`, `?before=`, `?after=`, `?limit=` | 200; 401, 403, 404, 422 |
//! | `POST /rooms/{room}/messages` | 201 with `Location`; 401, 403, 404, 409, 422 |
//! | `GET`, `PUT /rooms/{room}/marker` | 200; 401, 403, 404, 409 |
//! | `GET /rooms/{room}/presence`, `?after=`, `?limit=` | 200; 401, 403, 404, 422 |
//! | `GET /rooms/{room}/socket`, `?after=`, `?token=` | 101; 401, 403, 404, 422, 426 |
//! | `GET /` | 200: a client for a browser |
//! | `GET /asyncapi.json` | 200: what the socket says and takes |
//! | `GET /openapi.json` | 200 |
//!
//! All of them: 400 for a malformed request, 414 and 431 for a target or header fields that are too long, 503
//! when a component is unavailable, 504 when the deadline passed; with a body: 408, 413 and 415 too. Errors are
//! `application/problem+json` (RFC 9457).
//!
//! A member reads all of a room's history, also what was said before they came.

mod flood;
mod messages;
mod page;
mod parameters;
mod presence;
mod problems;
mod rooms;
mod schemas;
mod socket;
mod tokens;

use std::sync::Arc;

use axum::{Router, http::Method};
use chat::{Messages, Presence, Rooms};
use remote::Priority;
use runtime::{RoutePriority, edge::described, live::Live};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    SYSTEM,
    delivery::{Hub, PresenceReports},
};

/// The largest request body, in bytes: a text of 4,000 characters, each of them written as `\uXXXX` twice.
const MAX_BODY_BYTES: usize = 64 * 1_024;
/// The same with the names of 1,000 users.
const MAX_MEMBERS_BODY_BYTES: usize = 64 * 1_024;

/// What a full process refuses last and first: messages are what a chat is for, and who is online can wait.
pub const PRIORITIES: [RoutePriority; 2] = [
    (Method::POST, "/rooms/{room}/messages", Priority::Critical),
    (Method::GET, "/rooms/{room}/presence", Priority::Background),
];

/// What the public API is made of.
pub struct Parts {
    /// The rooms.
    pub rooms: Arc<dyn Rooms>,
    /// Their logs.
    pub messages: Arc<dyn Messages>,
    /// Who is online.
    pub presence: Arc<dyn Presence>,
    /// What the connections of this process get.
    pub hub: Hub,
    /// The connections of this process.
    pub live: Live,
    /// Who is connected to this process.
    pub reports: PresenceReports,
}

/// The routes.
pub fn router(parts: Parts) -> Router {
    let routes = OpenApiRouter::with_openapi(tokens::wanted())
        .routes(routes!(tokens::issue))
        .routes(routes!(rooms::create))
        .routes(routes!(rooms::show))
        .routes(routes!(rooms::add, rooms::list))
        .routes(routes!(rooms::remove))
        .routes(routes!(messages::history, messages::send))
        .routes(routes!(messages::marker, messages::mark))
        .routes(routes!(presence::online))
        .routes(routes!(socket::open))
        .with_state(Arc::new(parts));
    described("Chat", SYSTEM.summary, routes).merge(page::routes())
}
