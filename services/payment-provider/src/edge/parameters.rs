//! The parameters of a request outside its body.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, request::Parts},
};
use url::form_urlencoded;

use super::body::identifier;
use crate::{books::PAGE, problem::Problem};

/// The charge in a path.
pub(super) struct ChargeId(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for ChargeId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id)).map_err(|error| Problem::malformed(error.body_text()))
    }
}

/// The header with a client's key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The longest key: as Stripe's.
const MAX_KEY: usize = 255;

/// The idempotency key: 1 to 255 visible characters of ASCII.
pub(super) struct Key(pub(super) String);

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || {
            let detail = "send an `Idempotency-Key`: without one a request that is repeated charges twice";
            Problem::new(StatusCode::BAD_REQUEST, "key-missing", detail)
        };
        let value = single(&parts.headers, &IDEMPOTENCY_KEY)?.ok_or_else(missing)?.as_bytes();
        let is_key = (1..=MAX_KEY).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic);
        let key = is_key.then(|| String::from_utf8_lossy(value).into_owned());
        key.map(Self).ok_or_else(|| {
            let detail = format!("a key has 1 to {MAX_KEY} visible characters of ASCII");
            Problem::malformed(format!("`idempotency-key`: {detail}"))
        })
    }
}

/// A header field with a single value, if it is there.
pub(super) fn single<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'a HeaderValue>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Problem::malformed(format!("the header field `{name}` is there more than once"))),
    }
}

/// The order in a query.
pub(super) struct OfOrder(pub(super) String);

impl<S: Sync> FromRequestParts<S> for OfOrder {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let missing = || Problem::malformed("say whose charges: `?order=ID`; `/books` has all of them");
        identifier("order", parameter(parts, "order")?.ok_or_else(missing)?).map(Self)
    }
}

/// Which page.
pub(super) struct Paged {
    pub(super) after: i64,
    pub(super) limit: u32,
}

impl<S: Sync> FromRequestParts<S> for Paged {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (after, limit) = (number(parts, "after")?, number(parts, "limit")?);
        let limit = limit.unwrap_or(PAGE);
        if !(1..=PAGE).contains(&limit) {
            return Err(Problem::invalid("limit", &format!("a page has 1 to {PAGE} charges")));
        }
        Ok(Self { after: after.unwrap_or(0), limit })
    }
}

/// A number in a query, if it is there.
fn number<T: FromStr>(parts: &Parts, name: &str) -> Result<Option<T>, Problem> {
    let text = parameter(parts, name)?;
    let malformed = |text: &str| Problem::malformed(format!("`{name}`: `{text}` is no number"));
    text.map(|text| text.parse().map_err(|_| malformed(&text))).transpose()
}

/// A parameter of a query, if it is there; 400 if it is there more than once.
fn parameter(parts: &Parts, name: &str) -> Result<Option<String>, Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    match (values.next(), values.next()) {
        (first, None) => Ok(first.map(|(_, value)| value.into_owned())),
        (_, Some(_)) => Err(Problem::malformed(format!("`{name}` is there more than once"))),
    }
}
