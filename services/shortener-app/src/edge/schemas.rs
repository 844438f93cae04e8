//! The values of the public API as its description has them: each bound and pattern is the one that its parser checks.

use serde_json::{Value, json};
use shortener::{Code, RequestKey, Target};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{KnownFormat, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type, schema::SchemaType},
};

/// A text of at least one character.
fn text(description: &str, at_most: usize, pattern: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(description))
        .min_length(Some(1))
        .max_length(Some(at_most))
        .pattern(Some(pattern))
        .examples([json!(example)])
}

fn or_null(schema: ObjectBuilder) -> Object {
    schema.schema_type(SchemaType::from_iter([Type::String, Type::Null])).build()
}

/// The target that a link is made with.
pub(super) fn target_asked() -> Object {
    let description = "Where the link shall lead: an absolute `http` or `https` URL with a host, no user name or password, percent-encoded where it has to be. It is kept in the normal form of WHATWG URL.";
    text(description, Target::MAX_BYTES, Target::PATTERN, "https://example.com/").build()
}

/// The target of a link.
pub(super) fn target() -> Object {
    let description = "Where it leads, in the normal form of WHATWG URL.";
    text(description, Target::MAX_BYTES + "/".len(), Target::PATTERN, "https://example.com/").build()
}

/// A link's code.
pub(super) fn code() -> Object {
    text("The link's code: the path of the short link.", Code::MAX_LENGTH, Code::PATTERN, "hello").build()
}

/// The code that a client wishes for.
pub(super) fn alias() -> Object {
    let description = "The code that you wish for; without it one is made.";
    or_null(text(description, Code::MAX_LENGTH, &Code::free_pattern(), "hello"))
}

/// The header `Idempotency-Key`.
pub(super) fn key() -> Object {
    let description = "Makes the request repeatable: the same key with the same target, alias and expiry again returns the same link, and with any other is refused.";
    let schema = text(description, RequestKey::MAX_LENGTH, RequestKey::PATTERN, "order-4711");
    // Whoever tried the example with one body would be refused with every other.
    schema.examples(Vec::<Value>::new()).build()
}

/// The `Location` of a link that was made.
pub(super) struct LinkPath;

impl PartialSchema for LinkPath {
    fn schema() -> RefOr<Schema> {
        let pattern = format!("^/{}", &Code::PATTERN[1..]);
        text("The path of the short link.", Code::MAX_LENGTH + 1, &pattern, "/hello").into()
    }
}

impl ToSchema for LinkPath {}

/// The `Location` of a link that is followed.
pub(super) struct LinkTarget;

impl PartialSchema for LinkTarget {
    fn schema() -> RefOr<Schema> {
        target().into()
    }
}

impl ToSchema for LinkTarget {}

fn moment(description: &str, example: &str) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
        .description(Some(description))
        .examples([json!(example)])
}

/// When a link was made.
pub(super) fn created_at() -> Object {
    moment("When it was made, RFC 3339 in UTC.", "2026-01-31T12:00:00.125Z").build()
}

/// When a link ends.
pub(super) fn expires_at() -> Object {
    or_null(moment("From when on it leads nowhere, RFC 3339 in UTC; null: never.", "2999-12-31T23:59:59Z"))
}

/// When a link shall end. The pattern leaves out what was past when this was written.
pub(super) fn expires_at_asked() -> Object {
    let description = "From when on the link shall lead nowhere: RFC 3339, in the future, at most 9999-12-31T23:59:59.999Z; kept in milliseconds. Without it, never.";
    or_null(moment(description, "2999-12-31T23:59:59Z").pattern(Some(NOT_LONG_PAST)))
}

/// Years from 2026 on.
const NOT_LONG_PAST: &str = "^(?:202[6-9]|20[3-9][0-9]|2[1-9][0-9]{2}|[3-9][0-9]{3})-";
