//! The public API in GraphQL: a client asks for all that a page needs in one request, and gets no more.
//!
//! `POST /graphql` with JSON, as GraphQL over HTTP has it (<https://graphql.github.io/graphql-over-http/draft/>).
//! It stands on the same components as the other resources, and its errors have the same names: `extensions.code` is the last
//! part of a problem's type.
//! A query that is too deep or too costly is refused before it runs: a client may ask in one request for what no single
//! resource would give.
//!
//! Read in this order: this file (the request and the reply), `objects` (the queries), `changes` (the mutations),
//! `loaders` (how many things of a kind become one call).

mod changes;
mod loaders;
mod objects;

use std::sync::Arc;

use async_graphql::{EmptySubscription, Request, Response as Answer, Schema, ServerError, Variables};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use runtime::edge::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::{changes::Changes, loaders::Loaders, objects::Root};
use super::{MAX_BODY_BYTES, Parts, problems::Refused};

/// How deep a query may be. The introspection of the usual tools is 13 deep.
const MAX_DEPTH: usize = 16;
/// How much a query may cost: a field costs one, and all that is asked of a thing as often as there may be things.
/// A page of a hundred products, with price and stock of each, is about 800.
const MAX_COMPLEXITY: usize = 2_000;

/// The media type of a reply whose status says whether the request was valid.
const RESPONSE: &str = "application/graphql-response+json";

type Shop = Schema<Root, Changes, EmptySubscription>;

/// What answers queries.
struct Graph {
    schema: Shop,
    parts: Arc<Parts>,
}

/// The route.
pub(super) fn routes(parts: Arc<Parts>) -> OpenApiRouter {
    let schema = Schema::build(Root, Changes, EmptySubscription)
        .limit_depth(MAX_DEPTH)
        .limit_complexity(MAX_COMPLEXITY)
        .finish();
    OpenApiRouter::default().routes(routes!(answer)).with_state(Arc::new(Graph { schema, parts }))
}

/// The body of `POST /graphql`.
#[derive(Deserialize, ToSchema)]
pub(super) struct QueryAsked {
    /// The document.
    #[schema(min_length = 1, max_length = 16384)]
    query: String,
    /// Which operation of the document, if it has several.
    #[serde(rename = "operationName")]
    #[schema(max_length = 16384)]
    operation_name: Option<String>,
    /// The values of its variables.
    #[schema(value_type = Option<Object>)]
    variables: Option<Map<String, Value>>,
    /// Nothing is done by it.
    #[schema(value_type = Option<Object>)]
    #[expect(dead_code, reason = "a client may send it, and it has to be an object")]
    extensions: Option<Map<String, Value>>,
}

/// The reply of `POST /graphql`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes the reply")]
pub(super) struct QueryShown {
    /// What was asked for; missing if the query is invalid.
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// What went wrong; `extensions.code` has the name of a problem.
    #[schema(value_type = Option<Vec<Object>>)]
    errors: Option<Vec<Value>>,
}

type QueryBody = JsonBody<QueryAsked, MAX_BODY_BYTES>;

/// Answers a query, or does what a mutation says.
#[utoipa::path(post, path = "/graphql", request_body = QueryAsked, responses(
    Problem,
    QueryBody,
    (status = 200, description = "The answer, or the errors of the query", body = QueryShown),
    (status = 400, description = "The request is malformed, or the query is invalid and `Accept` prefers `application/graphql-response+json`"),
    (status = 406, description = "`Accept` allows neither `application/json` nor `application/graphql-response+json`"),
))]
async fn answer(
    State(graph): State<Arc<Graph>>,
    headers: HeaderMap,
    JsonBody(asked): QueryBody,
) -> Result<Response, Problem> {
    let form = Form::accepted(&headers)?;
    let variables = asked.variables.map_or(Value::Null, Value::Object);
    let request = Request::new(asked.query).variables(Variables::from_json(variables));
    let request = request.data(Arc::clone(&graph.parts)).data(Loaders::new(&graph.parts));
    let request = match asked.operation_name {
        Some(name) => request.operation_name(name),
        None => request,
    };
    Ok(form.reply(&graph.schema.execute(request).await))
}

/// The form of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// `application/json`: the status says that there is an answer.
    Json,
    /// `application/graphql-response+json`: the status says that the query was valid.
    Response,
}

impl Form {
    /// The first that `Accept` names; JSON if it names nothing, or anything.
    fn accepted(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut fields = headers.get_all(header::ACCEPT).iter().peekable();
        if fields.peek().is_none() {
            return Ok(Self::Json);
        }
        let named = fields.filter_map(|field| field.to_str().ok()).flat_map(|field| field.split(','));
        let known = named.filter_map(|range| match range.split(';').next().unwrap_or_default().trim() {
            RESPONSE => Some(Self::Response),
            "application/json" | "application/*" | "*/*" => Some(Self::Json),
            _ => None,
        });
        known.into_iter().next().ok_or_else(|| {
            let detail = format!("a reply is `application/json` or `{RESPONSE}`");
            Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", "Not acceptable", detail)
        })
    }

    fn reply(self, answer: &Answer) -> Response {
        // An error without a path is of the query itself; then nothing was run.
        let is_invalid = answer.errors.iter().any(|error| error.path.is_empty());
        let shown = Shown { data: (!is_invalid).then_some(&answer.data), errors: &answer.errors };
        let shown = serde_json::to_string(&shown).unwrap_or_default();
        let (status, kind) = match self {
            Self::Json => (StatusCode::OK, "application/json; charset=utf-8"),
            Self::Response if is_invalid => {
                (StatusCode::BAD_REQUEST, "application/graphql-response+json; charset=utf-8")
            }
            Self::Response => (StatusCode::OK, "application/graphql-response+json; charset=utf-8"),
        };
        (status, [(header::CONTENT_TYPE, kind)], shown).into_response()
    }
}

/// A reply, with its fields in the order in which they were asked for.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a async_graphql::Value>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [ServerError],
}

/// Why a field has no value: the problem that another resource would have replied. Cheap to clone, because one call may fail
/// for many fields.
#[derive(Clone, Debug)]
struct Fault {
    code: Arc<str>,
    detail: Arc<str>,
    /// What else a client has to know.
    members: Option<Arc<Value>>,
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self { code: problem.slug().into(), detail: problem.detail().into(), members: None }
    }
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Problem(problem) => problem.into(),
            Refused::PriceChanged(document) => Self {
                code: "price-changed".into(),
                detail: document["detail"].as_str().unwrap_or_default().into(),
                members: Some(Arc::new(document)),
            },
        }
    }
}

impl From<Fault> for async_graphql::Error {
    fn from(fault: Fault) -> Self {
        use async_graphql::ErrorExtensions as _;

        Self::new(&*fault.detail).extend_with(|_, extensions| {
            extensions.set("code", &*fault.code);
            if let Some(members) = fault.members {
                let now = async_graphql::Value::from_json((*members).clone());
                extensions.set("problem", now.unwrap_or_default());
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(fields: &[&'static str]) -> Option<Form> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::ACCEPT, field.parse().ok()?);
        }
        Form::accepted(&headers).ok()
    }

    #[test]
    fn the_reply_has_the_form_that_is_asked_for_and_json_if_none_is() {
        for (fields, form) in [
            (&[][..], Some(Form::Json)),
            (&["*/*"], Some(Form::Json)),
            (&["application/json; charset=utf-8"], Some(Form::Json)),
            (&["application/graphql-response+json, application/json;q=0.9"], Some(Form::Response)),
            (&["text/html", "application/json"], Some(Form::Json)),
            (&["text/html"], None),
        ] {
            assert_eq!(accepted(fields), form, "{fields:?}");
        }
    }
}
