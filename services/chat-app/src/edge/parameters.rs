//! The parameters of a request outside its body.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::{StatusCode, request::Parts},
};
use chat::{RoomId, User};
use runtime::edge::Problem;
use url::form_urlencoded;
use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::{
        RefOr, Required, Schema,
        path::{Parameter, ParameterBuilder, ParameterIn},
    },
};

use super::schemas;

/// The room in a path. A text that cannot be an id is reported as a room that does not exist.
pub(super) struct ByRoom(pub(super) RoomId);

impl IntoParams for ByRoom {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("room", schemas::Id::schema()).build()]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ByRoom {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let room = path_parameter(parts, state, "room").await?;
        let unknown = |error: chat::IdError| not_found("no-such-room", "No such room", error.to_string());
        RoomId::parse(&room).map(Self).map_err(unknown)
    }
}

/// The user in a path.
pub(super) struct ByUser(pub(super) User);

impl IntoParams for ByUser {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![in_path("user", schemas::UserName::schema()).build()]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ByUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let user = path_parameter(parts, state, "user").await?;
        let unknown = |error: chat::UserError| not_found("no-such-user", "No such user", error.to_string());
        User::parse(user).map(Self).map_err(unknown)
    }
}

/// Describes a parameter in a path. utoipa's derive describes none as required that has a schema of its own.
fn in_path(name: &str, schema: RefOr<Schema>) -> ParameterBuilder {
    let described = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
    described.required(Required::True).schema(Some(schema))
}

/// What a path names is not there.
pub(super) fn not_found(slug: &'static str, title: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, slug, title, detail)
}

async fn path_parameter<S: Send + Sync>(parts: &mut Parts, state: &S, name: &str) -> Result<String, Problem> {
    let malformed = || Problem::malformed(format!("the `{name}` in the path is no text"));
    let Path(all) =
        Path::<Vec<(String, String)>>::from_request_parts(parts, state).await.map_err(|_| malformed())?;
    let found = all.into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value).ok_or_else(malformed)
}

/// 400 if a query has other parameters than these: one that is misspelt would have no effect, and nobody would notice.
pub(super) fn only(parts: &Parts, known: &[&str]) -> Result<(), Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let Some((other, _)) =
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| !known.contains(&&**name))
    else {
        return Ok(());
    };
    let known = known.join("`, `");
    Err(Problem::malformed(format!("there is no parameter `{other}`; hint: there is `{known}`")))
}

/// A parameter of a query, if it is there; 400 if it is there more than once.
pub(super) fn query_parameter(parts: &Parts, name: &str) -> Result<Option<String>, Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(known, _)| known == name);
    match (values.next(), values.next()) {
        (first, None) => Ok(first.map(|(_, value)| value.into_owned())),
        (_, Some(_)) => Err(Problem::malformed(format!("the parameter `{name}` is there more than once"))),
    }
}

/// A number in a query, if it is there.
pub(super) fn number_parameter(parts: &Parts, name: &str) -> Result<Option<u64>, Problem> {
    let Some(text) = query_parameter(parts, name)? else { return Ok(None) };
    number(&text).map(Some).ok_or_else(|| invalid(name, "a whole number"))
}

/// The number of things on a page.
pub(super) fn limit(parts: &Parts, otherwise: u32, most: u32) -> Result<u32, Problem> {
    let Some(text) = query_parameter(parts, "limit")? else { return Ok(otherwise) };
    let what = format!("a page has 1 to {most} entries");
    number(&text).filter(|number| (1..=most).contains(number)).ok_or_else(|| invalid("limit", &what))
}

/// A parameter that is not acceptable.
pub(super) fn invalid(name: &str, what: &str) -> Problem {
    Problem::unprocessable("invalid-parameter", "Invalid value", format!("`{name}`: {what}"))
}

/// A number of digits only: `parse` accepts a sign as well.
fn number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_digits_only_and_a_limit() {
        assert_eq!(number::<u64>("0"), Some(0));
        for text in ["", "+1", "-1", "1.0", " 1", "256"] {
            assert_eq!(number::<u8>(text), None, "{text}");
        }
    }
}
