//! Members that come and go at the same time.

use std::{collections::BTreeSet, sync::Arc};

use chat::{
    Adding, EndedMembership, Ending, MemberQuery, Role, Room, RoomId, RoomName, RoomStore, Term, User,
};
use futures::future::join_all;

use super::super::words::{AT, ROOM, adding, insist, make, of, user, users};
use crate::{ground::everywhere, stores::Stores};

/// The stores of the processes in turns.
fn turns(one: &Stores, other: &Stores, turn: u128) -> Arc<dyn RoomStore> {
    Arc::clone(if turn.is_multiple_of(2) { &one.rooms } else { &other.rooms })
}

async fn add(rooms: Arc<dyn RoomStore>, room: RoomId, names: Vec<User>, role: Role, most: u32) -> Adding {
    let add = adding(room, names, role);
    insist(async || rooms.add(&add, most).await).await
}

async fn end(rooms: Arc<dyn RoomStore>, room: RoomId, name: &str) -> Ending {
    let of = of(room, name);
    insist(async || rooms.end(&of).await).await
}

#[tokio::test]
async fn a_room_that_is_made_several_times_at_once_is_one_room() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        let made = join_all((0..12).map(|turn| {
            let rooms = turns(one, other, turn);
            let by = user(&format!("u{turn}"));
            let room = Room { id: ROOM, name: RoomName::parse("Tea").unwrap(), by, at: AT };
            async move { insist(async || rooms.insert(&room).await).await }
        }))
        .await;
        assert!(made.iter().all(|room| *room == made[0]), "{name}: {made:?}");
        let page = one.rooms.members(&MemberQuery { room: ROOM, after: None, limit: 99 }).await.unwrap();
        let members: Vec<_> = page.members.into_iter().map(|member| member.user).collect();
        assert_eq!(members, [made[0].by.clone()], "{name}: its maker, and nobody else");
    }
}

#[tokio::test]
async fn of_two_owners_who_leave_at_once_one_stays() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        for round in 1..=20 {
            let room = RoomId(round);
            make(one, room).await;
            add(Arc::clone(&one.rooms), room, users(["bob"]), Role::Owner, 9).await;
            let ends = join_all(
                [("ann", 0), ("bob", 1)].map(|(name, turn)| end(turns(one, other, turn), room, name)),
            )
            .await;
            let left = ends.iter().filter(|came| **came == Ending::Ending(Term(1))).count();
            let stayed = ends.iter().filter(|came| **came == Ending::LastOwner).count();
            assert_eq!((left, stayed), (1, 1), "{name}: {ends:?}");
        }
    }
}

#[tokio::test]
async fn of_two_owners_who_make_each_other_members_at_once_one_stays_an_owner() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        for round in 1..=20 {
            let room = RoomId(round);
            make(one, room).await;
            add(Arc::clone(&one.rooms), room, users(["bob"]), Role::Owner, 9).await;
            let added = join_all(
                [("ann", 0), ("bob", 1)]
                    .map(|(name, turn)| add(turns(one, other, turn), room, users([name]), Role::Member, 9)),
            )
            .await;
            let came = |what: Adding| added.iter().filter(|came| **came == what).count();
            assert_eq!((came(Adding::Added(2)), came(Adding::NoOwner)), (1, 1), "{name}: {added:?}");
        }
    }
}

#[tokio::test]
async fn the_last_places_are_given_once() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        for round in 1..=10 {
            let room = RoomId(round);
            make(one, room).await;
            // One place is taken: of ten groups of ten, four find enough.
            let added = join_all((0..10).map(|group| {
                let names = (0..10).map(|number| user(&format!("u{group}-{number}"))).collect();
                add(turns(one, other, group), room, names, Role::Member, 50)
            }))
            .await;
            let taken = |places: u32| added.iter().filter(|added| **added == Adding::Added(places)).count();
            assert_eq!([11, 21, 31, 41].map(taken), [1; 4], "{name}: {added:?}");
            assert_eq!(added.iter().filter(|added| **added == Adding::Full).count(), 6, "{name}: {added:?}");
            let page = one.rooms.members(&MemberQuery { room, after: None, limit: 99 }).await.unwrap();
            assert_eq!(page.members.len(), 41, "{name}");
        }
    }
}

#[tokio::test]
async fn those_who_are_added_twice_at_once_are_members_once() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        make(one, ROOM).await;
        let added = join_all((0..8).map(|turn| {
            let mut names: Vec<User> = (0..100).map(|number| user(&format!("u{number}"))).collect();
            if turn % 4 < 2 {
                names.reverse();
            }
            add(turns(one, other, turn), ROOM, names, Role::Member, 101)
        }))
        .await;
        assert_eq!(added, [Adding::Added(101); 8], "{name}");
        let membership = one.rooms.membership(&of(ROOM, "u7")).await.unwrap().unwrap();
        assert_eq!(membership.term, Term(1), "{name}: it is one membership");
    }
}

/// A term that was given twice would let a removal end the membership after it.
#[tokio::test]
async fn each_membership_of_a_user_who_comes_and_goes_has_a_term_of_its_own() {
    const ROUNDS: u32 = 15;
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        make(one, ROOM).await;
        let coming = join_all((0..4).map(|turn| {
            let rooms = turns(one, other, turn);
            async move {
                let mut ended = BTreeSet::new();
                for _ in 0..ROUNDS {
                    if turn < 2 {
                        add(Arc::clone(&rooms), ROOM, users(["bob"]), Role::Member, 9).await;
                    } else if let Ending::Ending(term) = end(Arc::clone(&rooms), ROOM, "bob").await {
                        ended.insert(term);
                    }
                }
                ended
            }
        }))
        .await;
        let told: BTreeSet<Term> = coming.into_iter().flatten().collect();
        let ends = one.rooms.ending(1_000).await.unwrap();
        let noted: BTreeSet<Term> = ends.iter().map(|end| end.term).collect();
        assert_eq!(noted, told, "{name}: every end that was told is to be logged");
        assert_eq!(noted, (1..=noted.len() as u32).map(Term).collect(), "{name}: one after the other");
        let membership = one.rooms.membership(&of(ROOM, "bob")).await.unwrap();
        if let Some(membership) = membership {
            assert_eq!(membership.term, Term(noted.len() as u32 + 1), "{name}");
        }
        for term in noted {
            one.rooms.ended(&EndedMembership { room: ROOM, user: user("bob"), term }).await.unwrap();
        }
        assert_eq!(other.rooms.ending(9).await, Ok(Vec::new()), "{name}");
    }
}
