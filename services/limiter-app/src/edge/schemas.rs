//! The values of the public API as its description has them: each bound and pattern is the one that is checked.

use limiter::{
    KeySource, Limit, MAX_COST, MAX_EXEMPT, MAX_EXEMPT_CHARS, MAX_EXPECTED, MAX_FACTS, MAX_LIMITS,
    MAX_POLICIES, Policy,
};
use serde_json::json;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Array, ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type,
        schema::{AdditionalProperties, SchemaType},
    },
};

/// A list of at most [`MAX_EXPECTED`] entity tags, or `*` (RFC 9110, 13.1.1).
pub(super) fn if_match_pattern() -> String {
    let tag = r#"(W/)?"[^\x00-\x20"\x7f]*""#;
    let more = MAX_EXPECTED - 1;
    format!(r"^[ \t]*(\*|[ \t,]*({tag}([ \t]*,[ \t,]*{tag}){{0,{more}}}[ \t,]*)?)[ \t]*$")
}

fn whole(description: &str, from: u64, to: u64) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .description(Some(description))
        .minimum(Some(from))
        .maximum(Some(to))
}

fn text(description: &str, pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).pattern(Some(pattern))
}

fn or_null(schema: ObjectBuilder, one: Type) -> Object {
    schema.schema_type(SchemaType::from_iter([one, Type::Null])).build()
}

fn list(description: &str, of: impl Into<RefOr<Schema>>, from: usize, to: usize) -> Array {
    let list = ArrayBuilder::new().description(Some(description)).items(of.into());
    list.min_items(Some(from)).max_items(Some(to)).build()
}

/// A quote's number.
pub(super) fn number() -> Object {
    whole("The quote's number.", 0, u64::MAX).examples([json!(7)]).build()
}

/// A policy's name.
pub(super) fn name() -> Object {
    text("Unique in its set.", Policy::NAME_PATTERN).examples([json!("per-tenant")]).build()
}

/// What tells clients apart.
pub(super) fn key() -> Schema {
    let words =
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["address", "token", "everyone"]));
    let one = |name: &str, value: ObjectBuilder| {
        ObjectBuilder::new()
            .property(name, value)
            .required(name)
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
    };
    let prefix = whole("An IPv6 client is its network of so many bits; by `address` of 64.", 1, 128);
    let header =
        text("The header whose value is a client.", KeySource::HEADER_PATTERN).examples([json!("x-api-key")]);
    let key = OneOfBuilder::new()
        .description(Some("What tells one client from another: a fact of each request."))
        .item(words)
        .item(one("ipv6_prefix", prefix))
        .item(one("header", header));
    Schema::OneOf(key.build())
}

/// A policy's mode.
pub(super) fn mode() -> Object {
    let description = "`count` is a dry run: nothing is refused, and what would be is counted.";
    let words = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["enforce", "count"]));
    words.description(Some(description)).default(Some(json!("enforce"))).build()
}

/// The limits of a policy.
pub(super) fn limits() -> Array {
    list("All of them apply.", Ref::from_schema_name("LimitText"), 1, MAX_LIMITS)
}

/// The policies of a set.
pub(super) fn policies() -> Array {
    list("All of them apply; each name is there once.", Ref::from_schema_name("PolicyText"), 0, MAX_POLICIES)
}

/// Key values that are left alone.
pub(super) fn exempt() -> Array {
    let value = ObjectBuilder::new().schema_type(Type::String).max_length(Some(MAX_EXEMPT_CHARS));
    let description = "Key values that this policy leaves alone. By an address each is an address, or an IPv6 network of exactly the policy's prefix; by `everyone` there is none.";
    list(description, value, 0, MAX_EXEMPT)
}

/// A limit's requests.
pub(super) fn requests() -> Object {
    let description = "How many requests a window has room for; at most a million a second.";
    whole(description, 1, Limit::MAX_REQUESTS).examples([json!(100)]).build()
}

/// A limit's window.
pub(super) fn window_ms() -> Object {
    let (shortest, longest) = Limit::WINDOWS;
    let whole = whole("The window, milliseconds.", shortest.as_millis() as u64, longest.as_millis() as u64);
    whole.examples([json!(60_000)]).build()
}

/// A limit's burst.
pub(super) fn burst() -> Object {
    let description = "How many may come at once, where the algorithm knows bursts: at most `requests`, and by default all.";
    or_null(whole(description, 1, Limit::MAX_REQUESTS), Type::Integer)
}

/// The version of a set that was read, and is sent back.
pub(super) fn version() -> Object {
    or_null(whole("As `GET /policies` gave it; it is not looked at.", 0, u64::MAX), Type::Integer)
}

/// What was promised of a set that was read, and is sent back.
pub(super) fn bound() -> Schema {
    let item = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(true)));
    let list =
        ArrayBuilder::new().description(Some("As `GET /policies` gave it; it is not looked at.")).items(item);
    Schema::Array(list.schema_type(SchemaType::from_iter([Type::Array, Type::Null])).build())
}

/// The facts of a question.
pub(super) fn facts() -> Object {
    let value = ObjectBuilder::new().schema_type(Type::String);
    ObjectBuilder::new()
        .description(Some("What is known of the request; what no policy names is not looked at."))
        .additional_properties(Some(AdditionalProperties::RefOr(RefOr::T(Schema::from(value)))))
        .max_properties(Some(MAX_FACTS))
        .examples([json!({ "token": "me", "header:x-tenant": "one" })])
        .build()
}

/// The cost of a question.
pub(super) fn cost() -> Object {
    let cost = whole("How many ordinary requests it counts for; by default 1.", 1, MAX_COST.into());
    or_null(cost, Type::Integer)
}

/// The header `If-Match`.
pub(super) fn if_match() -> Object {
    let description = "The versions of which they replace one: what `ETag` gave, or a list, or `*` for any. Tags are compared strongly, so that a weak one names none. `If-None-Match: *` never holds, because policies always exist; a list in it is refused.";
    text(description, &if_match_pattern()).examples([json!("*")]).build()
}

/// The `ETag` of a set of policies.
pub(super) struct VersionTag;

impl PartialSchema for VersionTag {
    fn schema() -> RefOr<Schema> {
        text("The version.", "^\"[0-9]+\"$").examples([json!("\"1\"")]).into()
    }
}

impl ToSchema for VersionTag {}
