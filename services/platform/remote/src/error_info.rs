//! A contract's own error in a gRPC status: a `google.rpc.ErrorInfo` among its details, the same for all systems.
//!
//! <https://google.aip.dev/193>, <https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto>
//!
//! The conversion goes through the error's serde form, an enum whose variants have named fields or none.
//! `LinkError::AliasTaken { alias }` becomes the reason `ALIAS_TAKEN` with the metadata `alias`; the domain
//! is the gRPC service, `lab.shortener.v1.LinksService`. The metadata holds a string field as it is and any
//! other field as JSON; it omits a field that is `None`.

use std::{collections::HashMap, iter::once};

use contract::{Kind, RemoteError};
use serde::{
    Deserializer,
    de::{
        IntoDeserializer, Visitor,
        value::{MapAccessDeserializer, MapDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::{Error, Value};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

/// The status that carries an error of the contract.
pub(crate) fn status_of<E: RemoteError>(domain: &'static str, error: &E) -> Status {
    let Some((reason, metadata)) = serde_json::to_value(error).ok().and_then(in_parts) else {
        return Status::internal(
            "an error of the contract has another form than a variant with named fields",
        );
    };
    let details = ErrorDetails::with_error_info(reason, domain, metadata);
    Status::with_error_details(code_of(error.kind()), error.to_string(), details)
}

/// The error of the contract that a status carries: `None` without an `ErrorInfo` of this domain, and
/// `Some(Err(_))` if its reason or metadata cannot be parsed.
pub(crate) fn error_in<E: RemoteError>(domain: &str, status: &Status) -> Option<Result<E, Error>> {
    let info = status.get_details_error_info().filter(|info| info.domain == domain)?;
    let variant = once((variant(&info.reason), Fields(info.metadata)));
    Some(E::deserialize(MapAccessDeserializer::new(MapDeserializer::new(variant))))
}

/// Whether a status carries an `ErrorInfo` of this domain.
pub(crate) fn is_of(domain: &str, status: &Status) -> bool {
    status.get_details_error_info().is_some_and(|info| info.domain == domain)
}

fn code_of(kind: Kind) -> Code {
    match kind {
        Kind::Invalid => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::Gone => Code::FailedPrecondition,
        Kind::Conflict => Code::AlreadyExists,
        Kind::Unavailable => Code::Unavailable,
    }
}

/// Splits a variant into reason and fields: `"KeyReused"`, or `{"AliasTaken": {"alias": "a"}}`.
fn in_parts(error: Value) -> Option<(String, HashMap<String, String>)> {
    let (variant, fields) = match error {
        Value::String(variant) => (variant, serde_json::Map::new()),
        Value::Object(outer) => match outer.into_iter().next()? {
            (variant, Value::Object(fields)) => (variant, fields),
            _ => return None,
        },
        _ => return None,
    };
    let text = |(name, value)| match value {
        Value::Null => None,
        Value::String(text) => Some((name, text)),
        other => Some((name, other.to_string())),
    };
    Some((reason(&variant), fields.into_iter().filter_map(text).collect()))
}

/// `AliasTaken` to `ALIAS_TAKEN`.
fn reason(variant: &str) -> String {
    let mut reason = String::with_capacity(variant.len() + 2);
    for letter in variant.chars() {
        if letter.is_ascii_uppercase() && !reason.is_empty() {
            reason.push('_');
        }
        reason.push(letter.to_ascii_uppercase());
    }
    reason
}

/// `ALIAS_TAKEN` to `AliasTaken`.
fn variant(reason: &str) -> String {
    let word = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_owned() + &rest.to_ascii_lowercase(),
        None => String::new(),
    };
    reason.split('_').map(word).collect()
}

/// A deserializer over the fields of a variant; empty for a unit variant.
struct Fields(HashMap<String, String>);

impl<'de> Deserializer<'de> for Fields {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(self.0.into_iter().map(|(name, text)| (name, Field(text)))))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Fields {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A deserializer over one field. The expected type decides whether the text is read as it is or as JSON.
struct Field(String);

impl Field {
    fn text(self) -> StringDeserializer<Error> {
        self.0.into_deserializer()
    }

    /// The text parsed as JSON; a text that is not JSON is the name of a unit variant.
    fn value(self) -> Value {
        serde_json::from_str(&self.0).unwrap_or(Value::String(self.0))
    }
}

/// Deserializes every type but strings from JSON.
macro_rules! by_json {
    ($( $method:ident )+) => {
        $( fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.value().$method(visitor)
        } )+
    };
}

impl<'de> Deserializer<'de> for Field {
    type Error = Error;

    by_json! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16
        deserialize_u32 deserialize_u64 deserialize_f32 deserialize_f64 deserialize_seq deserialize_map
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text().deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value().deserialize_struct(name, fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.value().deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

impl IntoDeserializer<'_, Error> for Field {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use contract::{Unavailable, Why};
    use serde::{Deserialize, Serialize};

    use super::*;

    const DOMAIN: &str = "lab.probe.v1.ProbeService";

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
    #[error("for a test")]
    enum Failure {
        KeyReused,
        Taken { alias: String, by: Option<u64>, why: Part },
        Unavailable(#[from] Unavailable),
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Part {
        WholeOf,
        Part(u8),
    }

    impl RemoteError for Failure {
        fn kind(&self) -> Kind {
            Kind::Conflict
        }
    }

    fn taken(alias: &str, by: Option<u64>, why: Part) -> Failure {
        Failure::Taken { alias: alias.to_owned(), by, why }
    }

    #[test]
    fn an_error_has_a_reason_a_domain_and_its_fields() {
        let status = status_of(DOMAIN, &taken("a", Some(7), Part::WholeOf));
        let info = status.get_details_error_info().expect("it is among the details");
        assert_eq!((status.code(), status.message()), (Code::AlreadyExists, "for a test"));
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("TAKEN", DOMAIN));
        let metadata = [("alias", "a"), ("by", "7"), ("why", "whole-of")];
        assert_eq!(info.metadata, metadata.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        let info = status_of(DOMAIN, &Failure::KeyReused).get_details_error_info().expect("as well");
        assert_eq!((info.reason.as_str(), info.metadata.len()), ("KEY_REUSED", 0));
    }

    #[test]
    fn an_error_arrives_as_it_was() {
        for error in [
            Failure::KeyReused,
            taken("a text", None, Part::WholeOf),
            taken("7", Some(7), Part::Part(7)),
            taken("null", Some(u64::MAX), Part::Part(0)),
            taken("{\"a\": 1}", None, Part::WholeOf),
            taken("", None, Part::WholeOf),
            Unavailable::new("true", Why::TimedOut).into(),
        ] {
            let status = status_of(DOMAIN, &error);
            let arrived = error_in::<Failure>(DOMAIN, &status).expect("it carries one");
            assert_eq!(arrived.ok(), Some(error), "{status:?}");
        }
    }

    #[test]
    fn what_is_no_error_of_the_contract_is_told_from_one_that_cannot_be_read() {
        let of = |reason: &str, metadata: &[(&str, &str)], domain: &str| {
            let metadata = metadata.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
            let details = ErrorDetails::with_error_info(reason, domain, metadata.collect::<HashMap<_, _>>());
            error_in::<Failure>(DOMAIN, &Status::with_error_details(Code::Aborted, "", details))
        };
        assert!(error_in::<Failure>(DOMAIN, &Status::aborted("")).is_none(), "without details");
        assert!(of("KEY_REUSED", &[], "example.com").is_none(), "a proxy's own");
        for (reason, metadata) in [
            ("", &[][..]),
            ("NO_SUCH", &[]),
            ("_", &[]),
            ("\u{e4}_\u{e4}", &[]),
            ("TAKEN", &[]),
            ("TAKEN", &[("alias", "a"), ("why", "no-such")]),
            ("TAKEN", &[("alias", "a"), ("by", "minus one"), ("why", "whole-of")]),
        ] {
            assert!(matches!(of(reason, metadata, DOMAIN), Some(Err(_))), "{reason} {metadata:?}");
        }
    }
}
