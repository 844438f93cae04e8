//! The contract of the component `rooms`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Timestamp, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{RoomId, RoomName, User};

/// The most members of a room.
pub const MAX_MEMBERS: u32 = 10_000;
/// The most members that one call adds, and that one page has.
pub const MAX_MEMBERS_AT_ONCE: usize = 1_000;

/// Knows the rooms and who belongs to them.
///
/// A removal is a record of the room's log as well ([`Messages`](crate::Messages)): whoever passes the log on knows from it from
/// which record on somebody may read nothing more.
#[async_trait]
pub trait Rooms: Send + Sync {
    /// Makes a room, with its maker as owner. Idempotent by the room's id.
    async fn create(&self, room: NewRoom) -> Result<Room, RoomError>;

    /// The room with this id. Idempotent.
    async fn room(&self, room: RoomId) -> Result<Room, RoomError>;

    /// Adds members, at most [`MAX_MEMBERS_AT_ONCE`] with one call and [`MAX_MEMBERS`] in all, or changes the role of those
    /// that are members already. Only owners may. Idempotent.
    async fn add(&self, add: AddMembers) -> Result<Added, RoomError>;

    /// Removes a member. Owners may remove everybody, others themselves. Whoever is no member is removed already. Idempotent.
    ///
    /// When this returns, the log of the room has the removal.
    async fn remove(&self, remove: RemoveMember) -> Result<Removed, RoomError>;

    /// What a user is in a room. Idempotent.
    async fn membership(&self, of: MemberOf) -> Result<Membership, RoomError>;

    /// A page of the members, in the order of their names. Idempotent.
    async fn members(&self, query: MemberQuery) -> Result<MemberPage, RoomError>;
}

/// A room to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRoom {
    /// Its id, which its maker has chosen.
    pub id: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Who makes it.
    pub by: User,
}

/// A room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its name.
    pub name: RoomName,
    /// Who made it.
    pub by: User,
    /// When it was made.
    pub at: Timestamp,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Whatever others may, and add and remove members.
    Owner,
    /// Read and write.
    Member,
}

/// Members to be added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddMembers {
    /// To which room.
    pub room: RoomId,
    /// Who adds them.
    pub by: User,
    /// Who is added.
    pub users: Vec<User>,
    /// As what.
    pub role: Role,
}

/// The members have been added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Added {
    /// How many members the room has now.
    pub members: u32,
}

/// A member to be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoveMember {
    /// From which room.
    pub room: RoomId,
    /// Who removes.
    pub by: User,
    /// Who is removed.
    pub user: User,
}

/// The member has been removed, or was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed;

/// Whose membership of which room.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MemberOf {
    /// The room.
    pub room: RoomId,
    /// The user.
    pub user: User,
}

/// How often a user has been added to a room: a removal ends one membership, and not the one after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Term(pub u32);

/// A membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// As what.
    pub role: Role,
    /// Since which of the times when the user was added.
    pub term: Term,
}

/// Which members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberQuery {
    /// Of which room.
    pub room: RoomId,
    /// Behind this one.
    pub after: Option<User>,
    /// At most so many; more than [`MAX_MEMBERS_AT_ONCE`] are as many as that.
    pub limit: u32,
}

/// A page of the members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberPage {
    /// The members.
    pub members: Vec<Member>,
    /// Behind whom the next page begins; `None` if this is the last one.
    pub next: Option<User>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who.
    pub user: User,
    /// As what.
    pub role: Role,
}

/// The errors of rooms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RoomError {
    /// No room has the id.
    #[error("no room has the id `{room}`")]
    NotFound {
        /// The id.
        room: RoomId,
    },
    /// Another room has the id.
    #[error("another room has this id")]
    Taken,
    /// The user is no member of the room.
    #[error("`{user}` is not a member of the room")]
    NotAMember {
        /// Who.
        user: User,
    },
    /// Only owners may do this.
    #[error("only an owner of the room may do this")]
    NotAnOwner,
    /// More than [`MAX_MEMBERS`].
    #[error("a room has at most {MAX_MEMBERS} members")]
    Full,
    /// More than [`MAX_MEMBERS_AT_ONCE`].
    #[error("one call adds at most {MAX_MEMBERS_AT_ONCE} members")]
    TooMany,
    /// The last owner cannot leave, and no owner can make themselves a member: nobody could add members any more.
    #[error("the last owner of a room cannot be removed")]
    LastOwner,
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for RoomError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } | Self::NotAMember { .. } => Kind::NotFound,
            Self::Taken | Self::NotAnOwner | Self::LastOwner | Self::Full => Kind::Conflict,
            Self::TooMany => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
