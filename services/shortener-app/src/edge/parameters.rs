//! The parameters of a request outside its body.

use axum::{
    extract::{FromRequestParts, Path},
    http::{HeaderName, request::Parts},
};
use runtime::edge::{Problem, single};
use shortener::{Code, CodeError, RequestKey, RequestKeyError};
use utoipa::{IntoParams, PartialSchema as _};
use uuid::Uuid;

use super::{no_such_link, schemas};

/// The link in a path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path, names("code"))]
pub(super) struct ByCode(#[param(schema_with = schemas::CodeShown::schema)] pub(super) Code);

/// A text that cannot be a code is reported as a link that does not exist.
impl<S: Send + Sync> FromRequestParts<S> for ByCode {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let text = Path::<String>::from_request_parts(parts, state).await;
        let code = text.map_or(Err(CodeError), |Path(text)| Code::parse(text));
        code.map(Self).map_err(|error| no_such_link(error.to_string()))
    }
}

/// The header with a client's idempotency key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The client's key, or a random one: either way the call to the component is idempotent.
#[derive(IntoParams)]
#[into_params(parameter_in = Header, names("Idempotency-Key"))]
pub(super) struct Keyed(#[param(schema_with = schemas::Key::schema)] pub(super) RequestKey);

impl<S: Sync> FromRequestParts<S> for Keyed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let key = match single(&parts.headers, &IDEMPOTENCY_KEY)? {
            None => RequestKey::parse(Uuid::new_v4().simple().to_string()),
            Some(value) => value.to_str().map_err(|_| RequestKeyError).and_then(RequestKey::parse),
        };
        key.map(Self).map_err(|error| Problem::invalid("idempotency-key", &error))
    }
}
