//! The parameters of a request outside its body: in its path and in its query.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use url::form_urlencoded;
use utoipa::openapi::{
    RefOr, Required, Schema,
    path::{ParameterBuilder, ParameterIn},
};

use super::Problem;

/// Describes a parameter that a request must have. utoipa's derive describes none as such that has a schema of its own.
pub fn required(name: &str, place: ParameterIn, schema: RefOr<Schema>) -> ParameterBuilder {
    ParameterBuilder::new().name(name).parameter_in(place).required(Required::True).schema(Some(schema))
}

/// A parameter of the path, by its name in the route.
pub async fn path_parameter<S: Send + Sync>(
    parts: &mut Parts,
    state: &S,
    name: &str,
) -> Result<String, Problem> {
    let malformed = || Problem::malformed(format!("the `{name}` in the path is no text"));
    let Path(all) =
        Path::<Vec<(String, String)>>::from_request_parts(parts, state).await.map_err(|_| malformed())?;
    let found = all.into_iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value).ok_or_else(malformed)
}

/// 400 if a query has other parameters than these: one that is misspelt would have no effect, and nobody would notice.
pub fn only(parts: &Parts, known: &[&str]) -> Result<(), Problem> {
    let query = parts.uri.query().unwrap_or_default();
    let mut names = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name);
    let Some(other) = names.find(|name| !known.contains(&&**name)) else { return Ok(()) };
    let known = known.join("`, `");
    Err(Problem::malformed(format!("there is no parameter `{other}`; hint: there is `{known}`")))
}

/// A parameter of the query, if it is there; 400 if it is there more than once.
pub fn query_parameter(parts: &Parts, name: &str) -> Result<Option<String>, Problem> {
    let mut values = query_parameters(parts, name);
    match (values.next(), values.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Problem::malformed(format!("the parameter `{name}` is there more than once"))),
    }
}

/// Each value of a parameter of the query.
pub fn query_parameters<'a>(parts: &'a Parts, name: &'a str) -> impl Iterator<Item = String> + 'a {
    let query = parts.uri.query().unwrap_or_default();
    let named = form_urlencoded::parse(query.as_bytes()).filter(move |(known, _)| known == name);
    named.map(|(_, value)| value.into_owned())
}

/// The parameter `limit`, the number of things on a page: `otherwise` if it is absent, 422 if it is not from 1 to `most`.
pub fn limit(parts: &Parts, otherwise: u32, most: u32) -> Result<u32, Problem> {
    let Some(text) = query_parameter(parts, "limit")? else { return Ok(otherwise) };
    let invalid = || Problem::invalid("limit", &format!("a page has 1 to {most} entries"));
    number(&text).filter(|number| (1..=most).contains(number)).ok_or_else(invalid)
}

/// A number of digits only: `parse` accepts a sign as well.
pub fn number<N: FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn asked(query: &str) -> Parts {
        Request::get(format!("/things?{query}")).body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_number_has_digits_only_and_a_limit() {
        assert_eq!(number::<u64>("0"), Some(0));
        for text in ["", "+1", "-1", "1.0", " 1", "256"] {
            assert_eq!(number::<u8>(text), None, "{text}");
        }
    }

    #[test]
    fn a_parameter_is_there_once_and_known() {
        let parts = asked("limit=7&a=%C3%A4+b&b=1&b=2");
        assert_eq!(query_parameter(&parts, "a").unwrap().as_deref(), Some("\u{e4} b"));
        assert_eq!(query_parameter(&parts, "c").unwrap(), None);
        assert_eq!(query_parameter(&parts, "b").unwrap_err().slug(), "malformed");
        assert!(query_parameters(&parts, "b").eq(["1", "2"]));
        assert!(only(&parts, &["limit", "a", "b"]).is_ok());
        assert!(only(&parts, &["limit", "a"]).unwrap_err().detail().contains("`b`"));
    }

    #[test]
    fn a_page_has_a_limit() {
        assert_eq!(limit(&asked(""), 20, 100).unwrap(), 20);
        assert_eq!(limit(&asked("limit=100"), 20, 100).unwrap(), 100);
        for text in ["0", "101", "-1", "x", "", "4294967296"] {
            let problem = limit(&asked(&format!("limit={text}")), 20, 100).unwrap_err();
            assert_eq!(problem.slug(), "invalid-limit", "{text}");
        }
    }
}
