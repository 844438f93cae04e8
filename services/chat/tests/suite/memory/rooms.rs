//! Rooms and memberships in memory.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chat::{
    AddMembers, Adding, EndedMembership, Ending, Member, MemberOf, MemberPage, MemberQuery, Membership, Role,
    Room, RoomId, RoomStore, Term, User,
};
use contract::Unavailable;

use super::Memory;

/// What is stored.
#[derive(Default)]
pub(super) struct RoomTables {
    rooms: BTreeMap<RoomId, Room>,
    members: BTreeMap<(RoomId, User), Standing>,
    /// The ends that are not in the log yet.
    ends: Vec<EndedMembership>,
}

/// What somebody is in a room, or was.
#[derive(Clone, Copy, Default)]
struct Standing {
    /// The last of their memberships.
    term: Term,
    /// As what, unless it has ended.
    role: Option<Role>,
}

impl RoomTables {
    /// The members behind this one.
    fn members(&self, room: RoomId, after: Option<&User>) -> impl Iterator<Item = Member> {
        let is_behind = move |user: &User| after.is_none_or(|after| user > after);
        let of_room = self.members.iter().filter(move |((of, user), _)| *of == room && is_behind(user));
        of_room.filter_map(|((_, user), standing)| Some(Member { user: user.clone(), role: standing.role? }))
    }

    fn is_last_owner(&self, of: &MemberOf) -> bool {
        let mut owners = self.members(of.room, None).filter(|member| member.role == Role::Owner);
        owners.next().is_some_and(|owner| owner.user == of.user) && owners.next().is_none()
    }

    fn standing(&mut self, room: RoomId, user: &User) -> &mut Standing {
        self.members.entry((room, user.clone())).or_default()
    }
}

#[async_trait]
impl RoomStore for Memory {
    async fn insert(&self, room: &Room) -> Result<Room, Unavailable> {
        let mut tables = self.rooms();
        if let Some(other) = tables.rooms.get(&room.id) {
            return Ok(other.clone());
        }
        tables.rooms.insert(room.id, room.clone());
        *tables.standing(room.id, &room.by) = Standing { term: Term(1), role: Some(Role::Owner) };
        Ok(room.clone())
    }

    async fn find(&self, room: RoomId) -> Result<Option<Room>, Unavailable> {
        Ok(self.rooms().rooms.get(&room).cloned())
    }

    async fn membership(&self, of: &MemberOf) -> Result<Option<Membership>, Unavailable> {
        let Standing { term, role } = *self.rooms().standing(of.room, &of.user);
        Ok(role.map(|role| Membership { role, term }))
    }

    async fn add(&self, add: &AddMembers, most: u32) -> Result<Adding, Unavailable> {
        let mut tables = self.rooms();
        let mut all: BTreeSet<_> = tables.members(add.room, None).map(|member| member.user).collect();
        all.extend(add.users.iter().cloned());
        let number = all.len() as u32;
        if number > most {
            return Ok(Adding::Full);
        }
        let of_owner = |member: &Member| member.role == Role::Owner && !add.users.contains(&member.user);
        if add.role != Role::Owner && !tables.members(add.room, None).any(|member| of_owner(&member)) {
            return Ok(Adding::NoOwner);
        }
        for user in &add.users {
            let standing = tables.standing(add.room, user);
            if standing.role.is_none() {
                standing.term = Term(standing.term.0 + 1);
            }
            standing.role = Some(add.role);
        }
        Ok(Adding::Added(number))
    }

    async fn end(&self, of: &MemberOf) -> Result<Ending, Unavailable> {
        let mut tables = self.rooms();
        if tables.is_last_owner(of) {
            return Ok(Ending::LastOwner);
        }
        let MemberOf { room, user } = of.clone();
        let standing = tables.standing(room, &user);
        if standing.role.take().is_some() {
            let term = standing.term;
            tables.ends.push(EndedMembership { room, user, term });
            return Ok(Ending::Ending(term));
        }
        let unlogged = tables.ends.iter().filter(|end| (end.room, &end.user) == (room, &user));
        Ok(unlogged.map(|end| end.term).max().map_or(Ending::NoMember, Ending::Ending))
    }

    async fn ended(&self, ended: &EndedMembership) -> Result<(), Unavailable> {
        self.rooms().ends.retain(|end| end != ended);
        Ok(())
    }

    async fn ending(&self, most: u32) -> Result<Vec<EndedMembership>, Unavailable> {
        Ok(self.rooms().ends.iter().take(most as usize).cloned().collect())
    }

    async fn members(&self, query: &MemberQuery) -> Result<MemberPage, Unavailable> {
        let tables = self.rooms();
        let mut found = tables.members(query.room, query.after.as_ref());
        let members: Vec<_> = found.by_ref().take(query.limit as usize).collect();
        let is_more = found.next().is_some();
        let next = members.last().filter(|_| is_more).map(|last| last.user.clone());
        Ok(MemberPage { members, next })
    }
}
