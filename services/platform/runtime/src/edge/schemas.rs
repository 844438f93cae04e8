//! Helpers for OpenAPI schemas of values.

use std::ops::RangeInclusive;

use utoipa::openapi::{
    KnownFormat, Object, ObjectBuilder, RefOr, Schema, SchemaFormat, Type, schema::SchemaType,
};

/// A string with a pattern.
pub fn text(pattern: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern))
}

/// A string with a length in characters and a pattern.
pub fn text_of(length: RangeInclusive<usize>, pattern: &str) -> ObjectBuilder {
    text(pattern).min_length(Some(*length.start())).max_length(Some(*length.end()))
}

/// An integer.
pub fn whole(bounds: RangeInclusive<u64>) -> ObjectBuilder {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(*bounds.start()))
        .maximum(Some(*bounds.end()))
}

/// A timestamp in RFC 3339.
pub fn moment() -> ObjectBuilder {
    let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format))
}

/// Makes a schema nullable.
pub fn or_null(schema: ObjectBuilder) -> Object {
    let mut schema = schema.build();
    if let SchemaType::Type(one) = schema.schema_type {
        schema.schema_type = SchemaType::from_iter([one, Type::Null]);
    }
    schema
}

/// Sets a schema's description to the lines of its documentation.
#[doc(hidden)]
pub fn with_description(schema: impl Into<RefOr<Schema>>, lines: &[&str]) -> RefOr<Schema> {
    let mut schema = schema.into();
    let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    match &mut schema {
        RefOr::T(Schema::Object(object)) => object.description = Some(text),
        RefOr::T(Schema::Array(array)) => array.description = Some(text),
        RefOr::T(Schema::OneOf(one_of)) => one_of.description = Some(text),
        RefOr::T(_) | RefOr::Ref(_) => {}
    }
    schema
}

/// Defines named schemas with bounds from the domain's constants, which utoipa's attributes cannot contain.
///
/// ```ignore
/// schemas! {
///     /// The link's code: the path of the short link.
///     Code = text(Code::PATTERN).max_length(Some(Code::MAX_LENGTH));
/// }
/// ```
///
/// The documentation of a name is the schema's description. A field refers to it by
/// `#[schema(schema_with = schemas::Code::schema)]`, a header by `("Location" = inline(schemas::Code))`.
#[macro_export]
macro_rules! schemas {
    ($( $(#[doc = $line:literal])+ $name:ident = $schema:expr; )+) => { $(
        $(#[doc = $line])+
        pub(super) struct $name;

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $crate::edge::with_description($schema, &[$($line),+])
            }
        }

        impl utoipa::ToSchema for $name {}
    )+ };
}
