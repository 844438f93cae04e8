//! The OpenAPI schemas of the public API's values; each bound and pattern is the constant that the parser
//! checks.

use limiter::{
    KeySource, Limit, MAX_COST, MAX_EXEMPT, MAX_EXEMPT_CHARS, MAX_EXPECTED, MAX_FACTS, MAX_LIMITS,
    MAX_POLICIES, Policy,
};
use runtime::edge::{or_null, text, whole};
use serde_json::json;
use utoipa::openapi::{
    ArrayBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type,
    schema::{AdditionalProperties, SchemaType},
};

/// A list of at most [`MAX_EXPECTED`] entity tags, or `*` (RFC 9110, 13.1.1).
pub(super) fn if_match_pattern() -> String {
    let tag = r#"(W/)?"[^\x00-\x20"\x7f]*""#;
    let more = MAX_EXPECTED - 1;
    format!(r"^[ \t]*(\*|[ \t,]*({tag}([ \t]*,[ \t,]*{tag}){{0,{more}}}[ \t,]*)?)[ \t]*$")
}

fn string() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn list(of: impl Into<RefOr<Schema>>, from: usize, to: usize) -> ArrayBuilder {
    ArrayBuilder::new().items(of.into()).min_items(Some(from)).max_items(Some(to))
}

/// An object of this one member.
fn object(name: &str, value: ObjectBuilder) -> ObjectBuilder {
    let no_more = AdditionalProperties::<Schema>::FreeForm(false);
    ObjectBuilder::new().property(name, value).required(name).additional_properties(Some(no_more))
}

fn key() -> OneOfBuilder {
    let prefix = whole(1..=128)
        .description(Some("An IPv6 client is its network of so many bits; by `address` of 64."));
    let header = text(KeySource::HEADER_PATTERN)
        .description(Some("The header whose value is a client."))
        .examples([json!("x-api-key")]);
    OneOfBuilder::new()
        .item(string().enum_values(Some(["address", "token", "everyone"])))
        .item(object("ipv6_prefix", prefix))
        .item(object("header", header))
}

fn facts() -> ObjectBuilder {
    let values = AdditionalProperties::RefOr(string().into());
    let facts = ObjectBuilder::new().additional_properties(Some(values)).max_properties(Some(MAX_FACTS));
    facts.examples([json!({ "token": "me", "header:x-tenant": "one" })])
}

/// The array that a `GET` returned, of any content.
fn bound() -> ArrayBuilder {
    let anything = AdditionalProperties::<Schema>::FreeForm(true);
    let bound = ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(anything));
    ArrayBuilder::new().items(bound).schema_type(SchemaType::from_iter([Type::Array, Type::Null]))
}

fn window_ms() -> ObjectBuilder {
    let (shortest, longest) = Limit::WINDOWS;
    whole(shortest.as_millis() as u64..=longest.as_millis() as u64).examples([json!(60_000)])
}

runtime::schemas! {
    /// The quote's number.
    Number = whole(0..=u64::MAX).examples([json!(7)]);
    /// Unique in its set.
    Name = text(Policy::NAME_PATTERN).examples([json!("per-tenant")]);
    /// What tells one client from another: a fact of each request.
    Key = key();
    /// `count` is a dry run: nothing is refused, and what would be is counted.
    Mode = string().enum_values(Some(["enforce", "count"])).default(Some(json!("enforce")));
    /// All of them apply.
    Limits = list(Ref::from_schema_name("LimitText"), 1, MAX_LIMITS);
    /// All of them apply; each name is there once.
    Policies = list(Ref::from_schema_name("PolicyText"), 0, MAX_POLICIES);
    /// Key values that this policy leaves alone. By an address each is an address, or an IPv6 network of exactly the
    /// policy's prefix; by `everyone` there is none.
    Exempt = list(string().max_length(Some(MAX_EXEMPT_CHARS)), 0, MAX_EXEMPT);
    /// How many requests a window has room for; at most a million a second.
    Requests = whole(1..=Limit::MAX_REQUESTS).examples([json!(100)]);
    /// The window, milliseconds.
    WindowMs = window_ms();
    /// How many may come at once, where the algorithm knows bursts: at most `requests`, and by default all.
    Burst = or_null(whole(1..=Limit::MAX_REQUESTS));
    /// As `GET /policies` gave it; it is not looked at.
    Version = or_null(whole(0..=u64::MAX));
    /// As `GET /policies` gave it; it is not looked at.
    Bound = bound();
    /// What is known of the request; what no policy names is not looked at.
    Facts = facts();
    /// How many ordinary requests it counts for; by default 1.
    Cost = or_null(whole(1..=MAX_COST.into()));
    /// The versions of which they replace one: what `ETag` gave, or a list, or `*` for any. Tags are compared strongly, so
    /// that a weak one names none. `If-None-Match: *` never holds, because policies always exist; a list in it is refused.
    IfMatch = text(&if_match_pattern()).examples([json!("*")]);
    /// The version.
    VersionTag = text("^\"[0-9]+\"$").examples([json!("\"1\"")]);
}
