//! The parameters of a request outside its body.

use axum::{extract::FromRequestParts, http::request::Parts};
use chat::{RoomId, User};
use runtime::edge::{
    Problem,
    parameters::{path_parameter, required},
};
use utoipa::{
    IntoParams, PartialSchema as _,
    openapi::path::{Parameter, ParameterIn},
};

use super::schemas;

/// The room in a path. A text that cannot be an id is reported as a room that does not exist.
pub(super) struct ByRoom(pub(super) RoomId);

impl IntoParams for ByRoom {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![required("room", ParameterIn::Path, schemas::Id::schema()).build()]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ByRoom {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let room = path_parameter(parts, state, "room").await?;
        let unknown =
            |error: chat::IdError| Problem::not_found("no-such-room", "No such room", error.to_string());
        RoomId::parse(&room).map(Self).map_err(unknown)
    }
}

/// The user in a path.
pub(super) struct ByUser(pub(super) User);

impl IntoParams for ByUser {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![required("user", ParameterIn::Path, schemas::UserName::schema()).build()]
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ByUser {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let user = path_parameter(parts, state, "user").await?;
        let unknown =
            |error: chat::UserError| Problem::not_found("no-such-user", "No such user", error.to_string());
        User::parse(user).map(Self).map_err(unknown)
    }
}
