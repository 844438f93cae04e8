//! The logic of the component `rooms`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Clock, Unavailable};

use crate::{
    AddMembers, Added, Adding, EndedMembership, Ending, MAX_MEMBERS, MAX_MEMBERS_AT_ONCE, MemberOf,
    MemberPage, MemberQuery, Membership, MessageError, Messages, NewRoom, RemoveMember, Removed, Role, Room,
    RoomError, RoomId, RoomStore, Rooms, User,
};

/// The most ends of memberships that one tick goes on with.
const MOST_ENDS: u32 = 100;

/// Knows the rooms and who belongs to them.
pub struct RoomService {
    store: Arc<dyn RoomStore>,
    messages: Arc<dyn Messages>,
    clock: Arc<dyn Clock>,
}

impl RoomService {
    /// Creates the service on a store.
    pub fn new(store: Arc<dyn RoomStore>, messages: Arc<dyn Messages>, clock: Arc<dyn Clock>) -> Self {
        Self { store, messages, clock }
    }

    /// Logs some of the removals whose process was killed before it had done so. Returns how many; one that fails holds up no
    /// other.
    pub async fn tick(&self) -> Result<u64, RoomError> {
        let (mut logged, mut failed) = (0, None);
        for end in &self.store.ending(MOST_ENDS).await? {
            match self.log(end).await {
                Ok(()) => logged += 1,
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(logged), Err)
    }

    async fn log(&self, end: &EndedMembership) -> Result<(), RoomError> {
        self.messages.end_membership(end.clone()).await.map_err(unavailable)?;
        Ok(self.store.ended(end).await?)
    }

    async fn role(&self, room: RoomId, user: &User) -> Result<Role, RoomError> {
        let of = MemberOf { room, user: user.clone() };
        match self.store.membership(&of).await? {
            Some(membership) => Ok(membership.role),
            None => Err(self.no_member(of).await),
        }
    }

    /// Why there is no membership.
    async fn no_member(&self, MemberOf { room, user }: MemberOf) -> RoomError {
        match self.store.find(room).await {
            Ok(Some(_)) => RoomError::NotAMember { user },
            Ok(None) => RoomError::NotFound { room },
            Err(error) => error.into(),
        }
    }
}

#[async_trait]
impl Rooms for RoomService {
    async fn create(&self, NewRoom { id, name, by }: NewRoom) -> Result<Room, RoomError> {
        let stored =
            self.store.insert(&Room { id, name: name.clone(), by: by.clone(), at: self.clock.now() }).await?;
        if stored.name == name && stored.by == by { Ok(stored) } else { Err(RoomError::Taken) }
    }

    async fn room(&self, room: RoomId) -> Result<Room, RoomError> {
        self.store.find(room).await?.ok_or(RoomError::NotFound { room })
    }

    async fn add(&self, add: AddMembers) -> Result<Added, RoomError> {
        if add.users.len() > MAX_MEMBERS_AT_ONCE {
            return Err(RoomError::TooMany);
        }
        if self.role(add.room, &add.by).await? != Role::Owner {
            return Err(RoomError::NotAnOwner);
        }
        // The caller stays an owner.
        if add.role != Role::Owner && add.users.contains(&add.by) {
            return Err(RoomError::LastOwner);
        }
        match self.store.add(&add, MAX_MEMBERS).await? {
            Adding::Added(members) => Ok(Added { members }),
            Adding::Full => Err(RoomError::Full),
            // Two owners have demoted each other at the same time.
            Adding::NoOwner => Err(RoomError::LastOwner),
        }
    }

    async fn remove(&self, RemoveMember { room, by, user }: RemoveMember) -> Result<Removed, RoomError> {
        if by != user && self.role(room, &by).await? != Role::Owner {
            return Err(RoomError::NotAnOwner);
        }
        match self.store.end(&MemberOf { room, user: user.clone() }).await? {
            Ending::Ending(term) => self.log(&EndedMembership { room, user, term }).await.map(|()| Removed),
            Ending::NoMember => self.room(room).await.map(|_| Removed),
            Ending::LastOwner => Err(RoomError::LastOwner),
        }
    }

    async fn membership(&self, of: MemberOf) -> Result<Membership, RoomError> {
        match self.store.membership(&of).await? {
            Some(membership) => Ok(membership),
            None => Err(self.no_member(of).await),
        }
    }

    async fn members(&self, query: MemberQuery) -> Result<MemberPage, RoomError> {
        self.room(query.room).await?;
        let limit = query.limit.min(MAX_MEMBERS_AT_ONCE as u32);
        Ok(self.store.members(&MemberQuery { limit, ..query }).await?)
    }
}

/// The end of a membership can fail in this way only.
fn unavailable(error: MessageError) -> RoomError {
    match error {
        MessageError::Unavailable(unavailable) => unavailable.into(),
        MessageError::OtherText { .. }
        | MessageError::NotAMember { .. }
        | MessageError::NotWritten { .. }
        | MessageError::TooManyRooms => Unavailable::new("messages", contract::Why::Misunderstood).into(),
    }
}
