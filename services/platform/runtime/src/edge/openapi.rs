//! The OpenAPI document of an edge: `#[utoipa::path]` on each handler describes that handler; this file adds
//! the parts that all have in common.

use std::collections::BTreeMap;

use axum::{Router, body::Bytes, http::header, routing::get};
use utoipa::{
    IntoResponses, PartialSchema as _, ToSchema as _,
    openapi::{
        Content, Info, InfoBuilder, LicenseBuilder, OpenApi, PathItem, Ref, RefOr, Response, path::Operation,
    },
};
use utoipa_axum::router::OpenApiRouter;

use super::{Problem, with_fallbacks};

/// The routes of a public API, with `/openapi.json` that describes them, and with problems as fallbacks.
pub fn described(title: &str, description: &str, routes: OpenApiRouter) -> Router {
    let (routes, mut document) = routes.split_for_parts();
    document.info = info(title, description);
    describe_problems(&mut document);
    let json = Bytes::from(document.to_json().expect("a document of texts and numbers"));
    let document = get(async move || ([(header::CONTENT_TYPE, "application/json")], json));
    with_fallbacks(routes.route("/openapi.json", document))
}

fn info(title: &str, description: &str) -> Info {
    let license = LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0"));
    let info = InfoBuilder::new().title(title).version(env!("CARGO_PKG_VERSION"));
    info.description(Some(description)).license(Some(license.build())).build()
}

/// Declares every reply from 400 on as a problem document.
fn describe_problems(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for (status, response) in &mut operation.responses.responses {
            if let RefOr::T(response) = response
                && status.starts_with(['4', '5'])
            {
                let content = Content::new(Some(Ref::from_schema_name(Problem::name())));
                response.content.insert("application/problem+json".to_owned(), content.into());
            }
        }
    }
    let components = document.components.get_or_insert_default();
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, patch, .. } = path;
    [get, put, post, delete, patch].into_iter().flatten()
}

/// Replies that any request may get; an operation's own description of a status replaces these.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        replies([
            (
                "400",
                "The request is malformed: its first line, its `Host`, a header field that is there twice, a value in it",
            ),
            ("414", "The request's target is longer than a server takes"),
            ("431", "The header fields are more, or larger, than a server takes"),
            ("500", "An internal error; retrying does not help"),
            ("503", "A component is away, or too many requests are in flight"),
            ("504", "The deadline passed; whether it had an effect is not known"),
        ])
    }
}

/// Replies by their status.
pub(super) fn replies<const N: usize>(each: [(&str, &str); N]) -> BTreeMap<String, RefOr<Response>> {
    each.map(|(status, description)| (status.to_owned(), Response::new(description).into())).into()
}
