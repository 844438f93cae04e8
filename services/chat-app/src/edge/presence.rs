//! Who is online.

use std::sync::Arc;

use axum::{Json, extract::State};
use chat::{MemberQuery, Users};
use runtime::edge::Problem;
use serde::Serialize;
use utoipa::{PartialSchema as _, ToSchema};

use super::{
    Parts,
    messages::membership,
    parameters::ByRoom,
    problems::{of_presence, of_rooms},
    rooms::{Listed, Page},
    schemas,
    tokens::Bearer,
};

/// Who is online of a page of the members.
#[derive(Serialize, ToSchema)]
pub(super) struct OnlineShown {
    #[schema(schema_with = schemas::Online::schema)]
    online: Vec<String>,
    #[schema(schema_with = schemas::NextUser::schema)]
    next: Option<String>,
}

/// Shows which members are online: those with a connection, and those who lost theirs less than three seconds ago. Members whose
/// gateway was killed are shown for up to six seconds.
#[utoipa::path(get, path = "/rooms/{room}/presence", params(ByRoom, Listed), responses(
    Problem,
    (status = 200, description = "Who is online of a page of the members", body = OnlineShown),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not a member"),
    (status = 404, description = "There is no such room"),
    (status = 422, description = "A parameter is not acceptable"),
))]
pub(super) async fn online(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    Page { after, limit }: Page,
    by: Bearer,
) -> Result<Json<OnlineShown>, Problem> {
    membership(&parts, room, by.user).await?;
    let page = parts.rooms.members(MemberQuery { room, after, limit }).await.map_err(of_rooms)?;
    let users = Users(page.members.into_iter().map(|member| member.user).collect());
    let Users(online) = parts.presence.online(users).await.map_err(of_presence)?;
    Ok(Json(OnlineShown {
        online: online.into_iter().map(String::from).collect(),
        next: page.next.map(String::from),
    }))
}
