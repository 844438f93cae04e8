//! The OpenAPI schemas of the public API's values; each bound is the constant that the parser checks.

use chat::{MAX_MEMBERS, MAX_MEMBERS_AT_ONCE, MAX_RECORDS, Position, RoomName, Text as MessageText, User};
use runtime::edge::{or_null, text, text_of, whole};
use serde_json::json;
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, Type};

use super::tokens::MAX_SECONDS;

/// An id: a UUID.
const ID_PATTERN: &str = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$";

fn id() -> ObjectBuilder {
    text(ID_PATTERN).examples([json!("018f4e2a-6c1b-7d3e-9a5f-0123456789ab")])
}

fn user() -> ObjectBuilder {
    text_of(1..=User::MAX_CHARS, User::PATTERN).examples([json!("ann")])
}

runtime::schemas! {
    /// A UUID.
    Id = id();
    /// The user's name.
    UserName = user();
    /// The users to be added.
    UserNames = ArrayBuilder::new().items(user()).min_items(Some(1)).max_items(Some(MAX_MEMBERS_AT_ONCE));
    /// Those that are online.
    Online = ArrayBuilder::new().items(user());
    /// `owner` or `member`.
    RoleName = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["owner", "member"]));
    /// The room's name.
    Name = text_of(1..=RoomName::MAX_CHARS, RoomName::PATTERN).examples([json!("Tea")]);
    /// What the message says.
    Text = text_of(1..=MessageText::MAX_CHARS, MessageText::PATTERN).examples([json!("hello")]);
    /// How long the token lives; by default an hour.
    Seconds = or_null(whole(1..=MAX_SECONDS).examples([json!(3600)]));
    /// The token, to be sent as `authorization: Bearer TOKEN`.
    Token = text("^[!-~]{1,256}$");
    /// A moment, in milliseconds since 1970-01-01 00:00 UTC.
    Millis = whole(0..=u64::MAX >> 11);
    /// How many members there are.
    Members = whole(0..=MAX_MEMBERS.into());
    /// The most members; by default 100.
    MemberLimit = whole(1..=MAX_MEMBERS_AT_ONCE as u64);
    /// The `next` of the page before.
    AfterUser = user();
    /// The `after` of the next page; null on the last one.
    NextUser = or_null(user());
    /// Records before this one, the newest of them. Send it or `after`: both are refused with 422.
    Before = whole(0..=i64::MAX as u64);
    /// Records after this one, the oldest of them. Send it or `before`.
    AfterSequence = whole(0..=i64::MAX as u64);
    /// A place in the room's log.
    Place = whole(0..=i64::MAX as u64);
    /// The most records; by default 50.
    RecordLimit = whole(1..=MAX_RECORDS.into());
    /// A position in the room's log: `EPOCH:SEQUENCE`.
    LogPosition = text_of(3..=Position::MAX_LENGTH, Position::PATTERN).examples([json!("7:41")]);
    /// The records, the oldest first: each with `type`, which is `message` or `removed`, `room`, `sequence` and `at_ms`; a
    /// message with `sender`, `id` and `text`, a removal with `user`.
    Records = ArrayBuilder::new().items(ObjectBuilder::new().schema_type(Type::Object));
}
