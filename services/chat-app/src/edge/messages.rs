//! The log of a room: its history, messages to it, and what its members have read.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, header, request::Parts as Head},
    response::{IntoResponse as _, Response},
};
use chat::{
    History, HistoryQuery, MAX_RECORDS, MemberOf, Membership, MessageId, NewMessage, ReadMarker, RoomId,
    Sequence, Start, Text, User,
};
use runtime::edge::{
    JsonBody, Problem,
    integers::whole,
    parameters::{limit, number, only, query_parameter},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, PartialSchema as _, ToSchema};

use super::{
    MAX_BODY_BYTES, Parts,
    parameters::ByRoom,
    problems::{of_messages, of_rooms},
    schemas,
    tokens::Bearer,
};
use crate::delivery::frames::RecordShown;

/// Records of a page, if a client does not say how many.
const PAGE: u32 = 50;

/// Which records to read.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields describe the parameters, and the query is what is read of them")]
pub(super) struct Read {
    #[param(schema_with = schemas::Before::schema)]
    before: Option<u64>,
    #[param(schema_with = schemas::AfterSequence::schema)]
    after: Option<u64>,
    #[param(schema_with = schemas::RecordLimit::schema)]
    limit: Option<u32>,
}

/// What [`Read`] describes.
pub(super) struct Query {
    from: Start,
    limit: u32,
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        only(head, &["before", "after", "limit"])?;
        let from = match (place(head, "before")?, place(head, "after")?) {
            (None, None) => Start::End,
            (Some(before), None) => Start::Before(before),
            (None, Some(after)) => Start::After(after),
            (Some(_), Some(_)) => return Err(Problem::invalid("before", &"send it or `after`")),
        };
        Ok(Self { from, limit: limit(head, PAGE, MAX_RECORDS)? })
    }
}

/// A place in a log, if a parameter names one.
fn place(head: &Head, name: &str) -> Result<Option<Sequence>, Problem> {
    let Some(text) = query_parameter(head, name)? else { return Ok(None) };
    let place = number::<i64>(&text);
    let invalid = || Problem::invalid(name, &"the number of a record, from 0 to 2^63 - 1");
    place.map(|place| Some(Sequence(place.unsigned_abs()))).ok_or_else(invalid)
}

/// Records of a room.
#[derive(Serialize, ToSchema)]
pub(super) struct HistoryShown<'a> {
    #[schema(schema_with = schemas::Records::schema)]
    records: Vec<RecordShown<'a>>,
    /// Where the log ends.
    #[schema(schema_with = schemas::LogPosition::schema)]
    end: String,
}

/// Reads from the room's log, the oldest record first.
#[utoipa::path(get, path = "/rooms/{room}/messages", params(ByRoom, Read), responses(
    Problem,
    (status = 200, description = "Records, without holes", body = HistoryShown),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not a member"),
    (status = 404, description = "There is no such room"),
    (status = 422, description = "A parameter is not acceptable"),
))]
pub(super) async fn history(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    Query { from, limit }: Query,
    by: Bearer,
) -> Result<Response, Problem> {
    membership(&parts, room, by.user).await?;
    let query = HistoryQuery { room, from, limit };
    let History { records, end } = parts.messages.history(query).await.map_err(of_messages)?;
    let records = records.iter().map(RecordShown::from).collect();
    Ok(Json(HistoryShown { records, end: end.to_string() }).into_response())
}

/// The body of `POST /rooms/{room}/messages`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MessageAsked {
    /// Chosen by the client, so that sending the message twice sends it once.
    #[schema(schema_with = schemas::Id::schema)]
    id: String,
    #[schema(schema_with = schemas::Text::schema)]
    text: String,
}

/// Where a message is.
#[derive(Serialize, ToSchema)]
pub(super) struct SentShown {
    #[schema(schema_with = schemas::LogPosition::schema)]
    position: String,
    #[schema(schema_with = schemas::Millis::schema)]
    at_ms: u64,
}

type MessageBody = JsonBody<MessageAsked, MAX_BODY_BYTES>;

/// Sends a message.
#[utoipa::path(post, path = "/rooms/{room}/messages", params(ByRoom), request_body = MessageAsked, responses(
    Problem,
    MessageBody,
    (status = 201, description = "It is in the log, also if it was there already", body = SentShown),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not a member"),
    (status = 404, description = "There is no such room"),
    (status = 409, description = "The caller has sent another text with this id"),
    (status = 422, description = "A value is not acceptable"),
))]
pub(super) async fn send(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    by: Bearer,
    JsonBody(MessageAsked { id, text }): MessageBody,
) -> Result<Response, Problem> {
    let id = MessageId::parse(&id).map_err(|error| Problem::invalid("id", &error))?;
    let text = Text::parse(text).map_err(|error| Problem::invalid("text", &error))?;
    let Membership { term, .. } = membership(&parts, room, by.user.clone()).await?;
    let message = NewMessage { room, sender: by.user, term, id, text };
    let sent = parts.messages.send(message).await.map_err(of_messages)?;
    let shown = SentShown { position: sent.position.to_string(), at_ms: sent.at.millis() };
    let location =
        format!("/rooms/{room}/messages?after={}&limit=1", sent.position.sequence.0.saturating_sub(1));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(shown)).into_response())
}

/// Up to where a member has read.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Marker {
    #[schema(schema_with = schemas::Place::schema)]
    #[serde(deserialize_with = "whole")]
    sequence: u64,
}

impl From<ReadMarker> for Marker {
    fn from(marker: ReadMarker) -> Self {
        Self { sequence: marker.sequence.0 }
    }
}

type MarkerBody = JsonBody<Marker, MAX_BODY_BYTES>;

/// Shows up to where the caller has read.
#[utoipa::path(get, path = "/rooms/{room}/marker", params(ByRoom), responses(
    Problem,
    (status = 200, description = "Up to where", body = Marker),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not a member"),
    (status = 404, description = "There is no such room"),
))]
pub(super) async fn marker(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    by: Bearer,
) -> Result<Json<Marker>, Problem> {
    membership(&parts, room, by.user.clone()).await?;
    let marker = parts.messages.read_marker(MemberOf { room, user: by.user }).await;
    marker.map(|marker| Json(marker.into())).map_err(of_messages)
}

/// Stores up to where the caller has read; a marker never goes back.
#[utoipa::path(put, path = "/rooms/{room}/marker", params(ByRoom), request_body = Marker, responses(
    Problem,
    MarkerBody,
    (status = 200, description = "Up to where, which may be further", body = Marker),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not a member"),
    (status = 404, description = "There is no such room"),
    (status = 409, description = "The log does not go so far"),
    (status = 422, description = "A value is not acceptable"),
))]
pub(super) async fn mark(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    by: Bearer,
    JsonBody(Marker { sequence }): MarkerBody,
) -> Result<Json<Marker>, Problem> {
    membership(&parts, room, by.user.clone()).await?;
    let marker = ReadMarker { room, user: by.user, sequence: Sequence(sequence) };
    parts.messages.mark_read(marker).await.map(|marker| Json(marker.into())).map_err(of_messages)
}

/// What the caller is in a room.
pub(super) async fn membership(parts: &Parts, room: RoomId, user: User) -> Result<Membership, Problem> {
    parts.rooms.membership(MemberOf { room, user }).await.map_err(of_rooms)
}
