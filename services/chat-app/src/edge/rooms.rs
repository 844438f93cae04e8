//! Rooms and their members.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts as Head},
};
use chat::{
    AddMembers, MAX_MEMBERS_AT_ONCE, Member, MemberOf, MemberQuery, NewRoom, RemoveMember, Role, Room,
    RoomId, RoomName, User,
};
use runtime::edge::{
    JsonBody, Problem,
    parameters::{limit, only, query_parameter},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, PartialSchema as _, ToSchema};

use super::{
    MAX_BODY_BYTES, MAX_MEMBERS_BODY_BYTES, Parts,
    parameters::{ByRoom, ByUser},
    problems::of_rooms,
    schemas,
    tokens::Bearer,
};

/// Members of a page, if a client does not say how many.
const PAGE: u32 = 100;

/// The body of `POST /rooms`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoomAsked {
    /// Chosen by the client, so that making the room twice makes one.
    #[schema(schema_with = schemas::Id::schema)]
    id: String,
    #[schema(schema_with = schemas::Name::schema)]
    name: String,
}

/// A room.
#[derive(Serialize, ToSchema)]
pub(super) struct RoomShown {
    #[schema(schema_with = schemas::Id::schema)]
    id: String,
    #[schema(schema_with = schemas::Name::schema)]
    name: String,
    /// Who made it.
    #[schema(schema_with = schemas::UserName::schema)]
    by: String,
    #[schema(schema_with = schemas::Millis::schema)]
    made_ms: u64,
}

impl From<Room> for RoomShown {
    fn from(Room { id, name, by, at }: Room) -> Self {
        Self { id: id.to_string(), name: name.into(), by: by.into(), made_ms: at.millis() }
    }
}

type RoomBody = JsonBody<RoomAsked, MAX_BODY_BYTES>;

/// Makes a room, whose owner is the caller.
#[utoipa::path(post, path = "/rooms", request_body = RoomAsked, responses(
    Problem,
    RoomBody,
    (status = 201, description = "The room, also if it was there already", body = RoomShown),
    (status = 401, description = "There is no valid token"),
    (status = 409, description = "Another room has the id"),
    (status = 422, description = "A value is not acceptable"),
))]
pub(super) async fn create(
    State(parts): State<Arc<Parts>>,
    by: Bearer,
    JsonBody(RoomAsked { id, name }): RoomBody,
) -> Result<(StatusCode, Json<RoomShown>), Problem> {
    let id = RoomId::parse(&id).map_err(|error| Problem::invalid("id", &error))?;
    let name = RoomName::parse(name).map_err(|error| Problem::invalid("name", &error))?;
    let room = parts.rooms.create(NewRoom { id, name, by: by.user }).await.map_err(of_rooms)?;
    Ok((StatusCode::CREATED, Json(room.into())))
}

/// Shows a room to its members.
#[utoipa::path(get, path = "/rooms/{room}", params(ByRoom), responses(
    Problem,
    (status = 200, description = "The room", body = RoomShown),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not a member"),
    (status = 404, description = "There is no such room"),
))]
pub(super) async fn show(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    by: Bearer,
) -> Result<Json<RoomShown>, Problem> {
    parts.rooms.membership(MemberOf { room, user: by.user }).await.map_err(of_rooms)?;
    parts.rooms.room(room).await.map(|room| Json(room.into())).map_err(of_rooms)
}

/// The body of `POST /rooms/{room}/members`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MembersAsked {
    #[schema(schema_with = schemas::UserNames::schema)]
    users: Vec<String>,
    /// As what; those that are members already get this role.
    #[schema(schema_with = schemas::RoleName::schema)]
    role: Role,
}

/// How many members the room has.
#[derive(Serialize, ToSchema)]
pub(super) struct AddedShown {
    #[schema(schema_with = schemas::Members::schema)]
    members: u32,
}

type MembersBody = JsonBody<MembersAsked, MAX_MEMBERS_BODY_BYTES>;

/// Adds members.
#[utoipa::path(post, path = "/rooms/{room}/members", params(ByRoom), request_body = MembersAsked, responses(
    Problem,
    MembersBody,
    (status = 200, description = "They are members", body = AddedShown),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not an owner"),
    (status = 404, description = "There is no such room"),
    (status = 409, description = "The room would have more members than it may, or the caller would not be an owner any more"),
    (status = 422, description = "A value is not acceptable"),
))]
pub(super) async fn add(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    by: Bearer,
    JsonBody(MembersAsked { users, role }): MembersBody,
) -> Result<Json<AddedShown>, Problem> {
    if !(1..=MAX_MEMBERS_AT_ONCE).contains(&users.len()) {
        return Err(Problem::invalid("users", &format!("a request adds 1 to {MAX_MEMBERS_AT_ONCE} members")));
    }
    let users: Result<Vec<_>, _> = users.into_iter().map(User::parse).collect();
    let users = users.map_err(|error| Problem::invalid("users", &error))?;
    let added = parts.rooms.add(AddMembers { room, by: by.user, users, role }).await.map_err(of_rooms)?;
    Ok(Json(AddedShown { members: added.members }))
}

/// Removes a member; whoever is none is removed already.
#[utoipa::path(delete, path = "/rooms/{room}/members/{user}", params(ByRoom, ByUser), responses(
    Problem,
    (status = 204, description = "The user is no member; their connections are closed"),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller may remove nobody else"),
    (status = 404, description = "There is no such room"),
    (status = 409, description = "The last owner of a room stays"),
))]
pub(super) async fn remove(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    ByUser(user): ByUser,
    by: Bearer,
) -> Result<StatusCode, Problem> {
    parts.rooms.remove(RemoveMember { room, by: by.user, user }).await.map_err(of_rooms)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which members to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields describe the parameters, and the query is what is read of them")]
pub(super) struct Listed {
    #[param(schema_with = schemas::AfterUser::schema)]
    after: Option<String>,
    #[param(schema_with = schemas::MemberLimit::schema)]
    limit: Option<u32>,
}

/// What [`Listed`] describes.
pub(super) struct Page {
    pub(super) after: Option<User>,
    pub(super) limit: u32,
}

impl<S: Sync> FromRequestParts<S> for Page {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        only(head, &["after", "limit"])?;
        let after = query_parameter(head, "after")?.map(User::parse).transpose();
        let after = after.map_err(|error| Problem::invalid("after", &error))?;
        Ok(Self { after, limit: limit(head, PAGE, MAX_MEMBERS_AT_ONCE as u32)? })
    }
}

/// A member.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberShown {
    #[schema(schema_with = schemas::UserName::schema)]
    user: String,
    #[schema(schema_with = schemas::RoleName::schema)]
    role: Role,
}

impl From<Member> for MemberShown {
    fn from(Member { user, role }: Member) -> Self {
        Self { user: user.into(), role }
    }
}

/// A page of the members, by their names.
#[derive(Serialize, ToSchema)]
pub(super) struct MembersShown {
    members: Vec<MemberShown>,
    #[schema(schema_with = schemas::NextUser::schema)]
    next: Option<String>,
}

/// Lists the members.
#[utoipa::path(get, path = "/rooms/{room}/members", params(ByRoom, Listed), responses(
    Problem,
    (status = 200, description = "A page of the members", body = MembersShown),
    (status = 401, description = "There is no valid token"),
    (status = 403, description = "The caller is not a member"),
    (status = 404, description = "There is no such room"),
    (status = 422, description = "A parameter is not acceptable"),
))]
pub(super) async fn list(
    State(parts): State<Arc<Parts>>,
    ByRoom(room): ByRoom,
    Page { after, limit }: Page,
    by: Bearer,
) -> Result<Json<MembersShown>, Problem> {
    parts.rooms.membership(MemberOf { room, user: by.user }).await.map_err(of_rooms)?;
    let page = parts.rooms.members(MemberQuery { room, after, limit }).await.map_err(of_rooms)?;
    let members = page.members.into_iter().map(MemberShown::from).collect();
    Ok(Json(MembersShown { members, next: page.next.map(String::from) }))
}
