//! The WebSocket of a room.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{FromRequestParts, State},
    http::request::Parts as Head,
    response::Response,
};
use chat::{
    Device, DeviceId, MessageError, MessageId, NewMessage, Position, ReadMarker, RoomId, Sent, Sequence, Text,
};
use contract::{Clock as _, SystemClock};
use remote::Trace;
use runtime::{
    edge::{
        Problem,
        parameters::{only, query_parameter},
    },
    live::{Close, Closed, Message, Sender, Session, Upgrade},
};
use tokio::time::timeout;
use utoipa::{IntoParams, PartialSchema as _};
use uuid::Uuid;

use super::{
    Parts, flood::Bucket, messages::membership, parameters::ByRoom, problems::of_messages, schemas,
    tokens::Bearer,
};
use crate::delivery::{
    Connection, Opening, Pass, Refused,
    frames::{self, Asked, RefusedCode, SUBPROTOCOL, Said, closes},
};

/// How long a message may take to be stored: less than a session has for it, so that the client learns of it.
const STORED_WITHIN: Duration = Duration::from_millis(1_500);

/// From where to go on.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields describe the parameters, and the query is what is read of them")]
pub(super) struct Resume {
    #[param(schema_with = schemas::LogPosition::schema)]
    after: Option<String>,
}

/// What [`Resume`] describes of the position.
pub(super) struct After(Option<Position>);

impl<S: Sync> FromRequestParts<S> for After {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        only(head, &["after", "token"])?;
        let after = query_parameter(head, "after")?.map(|text| text.parse()).transpose();
        after.map(Self).map_err(|error: chat::PositionError| Problem::invalid("after", &error))
    }
}

/// Opens the socket of a room, which brings every record after a position, once and in order; see `/asyncapi.json`.
#[utoipa::path(get, path = "/rooms/{room}/socket", params(ByRoom, Resume), security(
    ("token" = []),
    ("token-in-query" = []),
), responses(
    Problem,
    (status = 101, description = "It is open"),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not a member"),
    (status = 404, description = "There is no such room"),
    (status = 422, description = "`after` is no position"),
    (status = 426, description = "The request is no handshake of a WebSocket"),
))]
pub(super) async fn open(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    After(after): After,
    bearer: Bearer,
    mut upgrade: Upgrade,
) -> Result<Response, Problem> {
    if !parts.hub.knows(room) {
        // Asking for the end of a log creates it, so a room that does not exist is refused first.
        membership(&parts, room, bearer.user.clone()).await?;
    }
    let opening = parts.hub.begin(room, after).await.map_err(of_messages)?;
    let membership = membership(&parts, room, bearer.user.clone()).await?;
    upgrade.choose(&[SUBPROTOCOL]);
    let device = Device { id: DeviceId(Uuid::now_v7().as_u128()), user: bearer.user };
    let pass = Pass { device, membership, until: bearer.until };
    let own = Arc::clone(&parts);
    Ok(parts.live.websocket(upgrade, |sender| Talk {
        connection: Connection::new(pass, sender.clone(), own.hub.metrics().clone()),
        parts: own,
        room,
        sender,
        opening,
        bucket: Bucket::default(),
    }))
}

/// The conversation with one client.
struct Talk {
    parts: Arc<Parts>,
    room: RoomId,
    connection: Connection,
    sender: Sender,
    opening: Opening,
    bucket: Bucket,
}

impl Session for Talk {
    async fn opened(&mut self) -> Result<(), Close> {
        self.parts.reports.arrived(self.device().clone());
        let opened = self.parts.hub.open(self.opening, self.connection.clone()).await;
        opened.map_err(|refused| match refused {
            Refused::Close(close) => close,
            Refused::Gone => Close::NORMAL,
        })
    }

    async fn received(&mut self, message: Message) -> Result<(), Close> {
        let Message::Text(text) = message else { return Err(closes::BINARY) };
        let asked = serde_json::from_str(text.as_str()).map_err(|_| closes::MALFORMED)?;
        if SystemClock.now() >= self.connection.pass().until {
            return Err(closes::EXPIRED);
        }
        if let Err(wait) = self.bucket.take() {
            let wait = wait.ok_or(closes::FLOOD)?;
            self.say(&Said::SlowDown { wait_ms: wait.as_millis() as u64 });
            return Ok(());
        }
        match asked {
            Asked::Send { id, text, traceparent } => {
                let parent = traceparent.as_deref().and_then(Trace::parse);
                let live = self.parts.live.clone();
                live.operation("send /rooms/{room}/socket", parent, self.send(id, text)).await
            }
            Asked::Read { sequence } => self.mark(sequence).await,
        }
    }

    async fn closed(self, _: Closed) {
        self.parts.hub.left(self.room, self.device().id);
        self.parts.reports.left(self.device().clone());
    }
}

impl Talk {
    fn device(&self) -> &Device {
        &self.connection.pass().device
    }

    async fn send(&self, id: MessageId, text: Text) -> Result<(), Close> {
        let Pass { device, membership, .. } = self.connection.pass();
        let (sender, term) = (device.user.clone(), membership.term);
        let message = NewMessage { room: self.room, sender, term, id, text };
        let stored = timeout(STORED_WITHIN, self.parts.messages.send(message)).await;
        let (code, detail) = match stored {
            Ok(Ok(Sent { position, at })) => {
                self.say(&Said::Sent { id, position: position.to_string(), at_ms: at.millis() });
                return Ok(());
            }
            Ok(Err(MessageError::NotAMember { .. })) => return Err(closes::REMOVED),
            Ok(Err(error @ MessageError::OtherText { .. })) => (RefusedCode::OtherText, error.to_string()),
            Ok(Err(error)) => (RefusedCode::Unavailable, error.to_string()),
            Err(_) => (RefusedCode::Overdue, "the message was not stored in time".to_owned()),
        };
        self.say(&Said::Refused { id, code, detail });
        Ok(())
    }

    async fn mark(&self, sequence: Sequence) -> Result<(), Close> {
        let marker = ReadMarker { room: self.room, user: self.device().user.clone(), sequence };
        match self.parts.messages.mark_read(marker).await {
            Err(MessageError::NotWritten { .. }) => Err(closes::MALFORMED),
            // The client says it again with what it reads next.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// If the connection has ended, the reason is known where it did.
    fn say(&self, said: &Said) {
        let _ = self.sender.send(frames::text(said));
    }
}
