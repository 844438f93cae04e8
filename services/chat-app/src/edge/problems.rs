//! The contracts' errors as problem documents.

use axum::http::StatusCode;
use chat::{MessageError, PresenceError, RoomError};
use runtime::edge::Problem;

fn forbidden(slug: &'static str, title: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, slug, title, detail)
}

/// A value that is well-formed, and not acceptable: 422.
fn invalid(detail: String) -> Problem {
    Problem::unprocessable("invalid-value", "Invalid value", detail)
}

pub(super) fn of_rooms(error: RoomError) -> Problem {
    let detail = error.to_string();
    match error {
        RoomError::Unavailable(unavailable) => unavailable.into(),
        RoomError::NotFound { .. } => Problem::not_found("no-such-room", "No such room", detail),
        RoomError::NotAMember { .. } => forbidden("not-a-member", "Not a member", detail),
        RoomError::NotAnOwner => forbidden("not-an-owner", "Not an owner", detail),
        RoomError::Taken => Problem::conflict("room-taken", "Room's id taken", detail),
        RoomError::Full => Problem::conflict("room-full", "Room full", detail),
        RoomError::LastOwner => Problem::conflict("last-owner", "Last owner", detail),
        RoomError::TooMany => invalid(detail),
    }
}

pub(super) fn of_messages(error: MessageError) -> Problem {
    let detail = error.to_string();
    match error {
        MessageError::Unavailable(unavailable) => unavailable.into(),
        MessageError::OtherText { .. } => Problem::conflict("message-reused", "Message's id reused", detail),
        MessageError::NotAMember { .. } => forbidden("not-a-member", "Not a member", detail),
        MessageError::NotWritten { .. } => Problem::conflict("not-written", "Not written yet", detail),
        MessageError::TooManyRooms => invalid(detail),
    }
}

pub(super) fn of_presence(error: PresenceError) -> Problem {
    match error {
        PresenceError::Unavailable(unavailable) => unavailable.into(),
        PresenceError::TooMany => invalid(error.to_string()),
    }
}
