//! Rooms and their members.

use chat::{
    Adding, EndedMembership, Ending, MemberQuery, Membership, Role, Room, RoomId, RoomName, Term, User,
};
use contract::Timestamp;

use super::words::{AT, OTHER_ROOM, ROOM, adding, ending, make, of, user, users};
use crate::{ground::everywhere, stores::Stores};

fn ended(name: &str, term: u32) -> EndedMembership {
    EndedMembership { room: ROOM, user: user(name), term: Term(term) }
}

fn membership(role: Role, term: u32) -> Membership {
    Membership { role, term: Term(term) }
}

async fn add(stores: &Stores, names: Vec<User>, role: Role, most: u32) -> Option<u32> {
    match stores.rooms.add(&adding(ROOM, names, role), most).await.unwrap() {
        Adding::Added(members) => Some(members),
        Adding::Full | Adding::NoOwner => None,
    }
}

async fn standing(stores: &Stores, name: &str) -> Option<Membership> {
    stores.rooms.membership(&of(ROOM, name)).await.unwrap()
}

async fn end(stores: &Stores, name: &str) -> Ending {
    stores.rooms.end(&of(ROOM, name)).await.unwrap()
}

/// All members of the room, page by page.
async fn members(stores: &Stores, limit: u32) -> Vec<(String, Role)> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = stores.rooms.members(&MemberQuery { room: ROOM, after, limit }).await.unwrap();
        assert!(page.members.len() <= limit as usize);
        assert_eq!(page.next, page.next.as_ref().and(page.members.last().map(|last| last.user.clone())));
        all.extend(page.members.into_iter().map(|member| (String::from(member.user), member.role)));
        match page.next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

#[tokio::test]
async fn a_room_is_stored_once_with_its_maker_as_owner_of_term_1() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        assert_eq!(stores.rooms.find(ROOM).await, Ok(None), "{name}");
        let text = format!("\u{e4} {}", "\u{1f375}".repeat(62));
        let first = Room { id: ROOM, name: RoomName::parse(text).unwrap(), by: user("ann"), at: AT };
        assert_eq!(stores.rooms.insert(&first).await, Ok(first.clone()), "{name}");
        let other = Room {
            name: RoomName::parse("Other").unwrap(),
            by: user("bob"),
            at: Timestamp::from_millis(1),
            ..first.clone()
        };
        assert_eq!(stores.rooms.insert(&other).await, Ok(first.clone()), "{name}: the stored one");
        assert_eq!(stores.rooms.find(ROOM).await, Ok(Some(first)), "{name}");
        assert_eq!(standing(stores, "ann").await, Some(membership(Role::Owner, 1)), "{name}");
        assert_eq!(standing(stores, "bob").await, None, "{name}: whoever came second is no member");
        assert_eq!(stores.rooms.find(OTHER_ROOM).await, Ok(None), "{name}");
    }
}

#[tokio::test]
async fn a_member_is_added_with_a_new_term_and_one_who_is_there_with_the_same() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        assert_eq!(add(stores, users(["bob"]), Role::Member, 9).await, None, "{name}: no such room");
        make(stores, ROOM).await;
        make(stores, OTHER_ROOM).await;
        assert_eq!(add(stores, users(["bob", "cid", "bob"]), Role::Member, 9).await, Some(3), "{name}");
        assert_eq!(standing(stores, "bob").await, Some(membership(Role::Member, 1)), "{name}");
        assert_eq!(add(stores, users(["bob", "dan"]), Role::Owner, 9).await, Some(4), "{name}");
        assert_eq!(standing(stores, "bob").await, Some(membership(Role::Owner, 1)), "{name}: another role");
        assert_eq!(add(stores, users(["bob", "dan"]), Role::Owner, 9).await, Some(4), "{name}: once more");
        assert_eq!(add(stores, Vec::new(), Role::Member, 9).await, Some(4), "{name}: nobody");
        assert_eq!(stores.rooms.membership(&of(OTHER_ROOM, "bob")).await, Ok(None), "{name}");
    }
}

#[tokio::test]
async fn a_membership_ends_in_two_steps() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        assert_eq!(end(stores, "bob").await, Ending::NoMember, "{name}: no such room");
        make(stores, ROOM).await;
        assert_eq!(end(stores, "bob").await, Ending::NoMember, "{name}");
        add(stores, users(["bob", "cid"]), Role::Member, 9).await;
        assert_eq!(end(stores, "bob").await, Ending::Ending(Term(1)), "{name}");
        assert_eq!(standing(stores, "bob").await, None, "{name}: it gives no right any more");
        let left = [("ann".to_owned(), Role::Owner), ("cid".to_owned(), Role::Member)];
        assert_eq!(members(stores, 9).await, left, "{name}");
        assert_eq!(add(stores, Vec::new(), Role::Member, 9).await, Some(2), "{name}: not counted");
        assert_eq!(end(stores, "bob").await, Ending::Ending(Term(1)), "{name}: since an earlier call");
        assert_eq!(stores.rooms.ending(9).await, Ok(vec![ended("bob", 1)]), "{name}");
        for _ in 0..2 {
            assert_eq!(stores.rooms.ended(&ended("bob", 1)).await, Ok(()), "{name}");
            assert_eq!(stores.rooms.ending(9).await, Ok(Vec::new()), "{name}: the log has it");
        }
        assert_eq!(end(stores, "bob").await, Ending::NoMember, "{name}");
    }
}

#[tokio::test]
async fn whoever_is_added_again_has_the_next_term_and_the_end_before_stays_to_be_logged() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        make(stores, ROOM).await;
        add(stores, users(["bob"]), Role::Owner, 9).await;
        assert_eq!(ending(end(stores, "bob").await), Term(1), "{name}");
        assert_eq!(add(stores, users(["bob"]), Role::Member, 9).await, Some(2), "{name}");
        assert_eq!(standing(stores, "bob").await, Some(membership(Role::Member, 2)), "{name}");
        assert_eq!(stores.rooms.ending(9).await, Ok(vec![ended("bob", 1)]), "{name}");
        assert_eq!(ending(end(stores, "bob").await), Term(2), "{name}: the later one");
        assert_eq!(ending(end(stores, "bob").await), Term(2), "{name}");
        assert_eq!(stores.rooms.ending(9).await, Ok(vec![ended("bob", 1), ended("bob", 2)]), "{name}");
        assert_eq!(stores.rooms.ending(1).await, Ok(vec![ended("bob", 1)]), "{name}: at most so many");
        stores.rooms.ended(&ended("bob", 2)).await.unwrap();
        assert_eq!(stores.rooms.ending(9).await, Ok(vec![ended("bob", 1)]), "{name}: each by itself");
        stores.rooms.ended(&ended("bob", 1)).await.unwrap();
        assert_eq!(add(stores, users(["bob"]), Role::Member, 9).await, Some(2), "{name}");
        assert_eq!(
            standing(stores, "bob").await,
            Some(membership(Role::Member, 3)),
            "{name}: after its last one"
        );
    }
}

#[tokio::test]
async fn the_last_owner_stays() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        make(stores, ROOM).await;
        add(stores, users(["bob"]), Role::Member, 9).await;
        assert_eq!(end(stores, "ann").await, Ending::LastOwner, "{name}");
        assert_eq!(standing(stores, "ann").await, Some(membership(Role::Owner, 1)), "{name}");
        assert_eq!(stores.rooms.ending(9).await, Ok(Vec::new()), "{name}");
        add(stores, users(["cid"]), Role::Owner, 9).await;
        assert_eq!(ending(end(stores, "ann").await), Term(1), "{name}");
        assert_eq!(
            end(stores, "cid").await,
            Ending::LastOwner,
            "{name}: an owner who is leaving counts no more"
        );
        make(stores, OTHER_ROOM).await;
        assert_eq!(end(stores, "cid").await, Ending::LastOwner, "{name}: nor one of another room");
        assert_eq!(ending(end(stores, "bob").await), Term(1), "{name}: others may leave");
    }
}

#[tokio::test]
async fn nobody_is_added_if_there_would_be_too_many() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        make(stores, ROOM).await;
        add(stores, users(["bob"]), Role::Member, 3).await;
        assert_eq!(add(stores, users(["bob", "cid", "dan"]), Role::Owner, 3).await, None, "{name}");
        assert_eq!(standing(stores, "bob").await, Some(membership(Role::Member, 1)), "{name}: as before");
        assert_eq!(standing(stores, "cid").await, None, "{name}");
        assert_eq!(add(stores, users(["cid"]), Role::Member, 3).await, Some(3), "{name}: the last place");
        assert_eq!(add(stores, users(["bob", "cid"]), Role::Owner, 3).await, Some(3), "{name}: no place");
        assert_eq!(add(stores, users(["dan"]), Role::Member, 3).await, None, "{name}");
        end(stores, "cid").await;
        assert_eq!(add(stores, users(["dan"]), Role::Member, 3).await, Some(3), "{name}: its place is free");
        assert_eq!(add(stores, users(["cid"]), Role::Member, 3).await, None, "{name}");
        assert_eq!(standing(stores, "cid").await, None, "{name}");
        assert_eq!(stores.rooms.ending(9).await, Ok(vec![ended("cid", 1)]), "{name}");
    }
}

#[tokio::test]
async fn members_are_shown_in_the_order_of_the_bytes_of_their_names() {
    let ordered = ["-", "-a", "0", "9z", "_", "_a", "a", "a-", "a_", "aa", "ann", "zz"];
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        make(stores, ROOM).await;
        make(stores, OTHER_ROOM).await;
        let mut names = ordered.map(user);
        names.reverse();
        stores.rooms.add(&adding(OTHER_ROOM, users(["other"]), Role::Member), 99).await.unwrap();
        add(stores, names.into(), Role::Owner, 99).await;
        add(stores, users(["gone"]), Role::Member, 99).await;
        end(stores, "gone").await;
        for limit in [1, 2, 6, 11, 12, 13] {
            let shown: Vec<_> = members(stores, limit).await.into_iter().map(|(name, _)| name).collect();
            assert_eq!(shown, ordered, "{name}, {limit} at once");
        }
        let query = MemberQuery { room: RoomId(9), after: None, limit: 9 };
        assert_eq!(stores.rooms.members(&query).await.unwrap().members, [], "{name}");
    }
}

#[tokio::test]
async fn ten_thousand_members_are_added_a_thousand_at_once() {
    for ground in everywhere().await {
        let (stores, name) = (&ground.stores, ground.name);
        make(stores, ROOM).await;
        for thousand in 0..10_u32 {
            let names = (0..1_000).map(|number| user(&format!("u{thousand}-{number:03}"))).collect();
            let expected = 1 + 1_000 * (thousand + 1);
            assert_eq!(add(stores, names, Role::Member, 10_001).await, Some(expected), "{name}");
        }
        assert_eq!(add(stores, users(["bob"]), Role::Member, 10_001).await, None, "{name}");
        assert_eq!(members(stores, 1_000).await.len(), 10_001, "{name}");
    }
}
