//! Rooms: who may be added and removed, and that a removal is in the log, whatever fails on the way.

use chat::{
    MAX_MEMBERS, MAX_MEMBERS_AT_ONCE, Member, MemberPage, MemberQuery, Membership, MessageError, NewRoom,
    Removed, Role, Room, RoomError, Rooms, Term,
};

use super::scene::Scene;
use crate::{
    faults::{Fault, lost},
    support::{OTHER_ROOM, ROOM, START, at_once, crowd, name, user, users},
};

/// A room of Ann's with these members.
fn room(members: &[&str]) -> Scene {
    let scene = Scene::new();
    scene.make().unwrap();
    scene.add("ann", members).unwrap();
    scene
}

fn not_a_member(name: &str) -> RoomError {
    RoomError::NotAMember { user: user(name) }
}

fn member(term: u32) -> Membership {
    Membership { role: Role::Member, term: Term(term) }
}

fn page(scene: &Scene, after: Option<&str>, limit: u32) -> MemberPage {
    at_once(scene.rooms.members(MemberQuery { room: ROOM, after: after.map(user), limit })).unwrap()
}

/// How many removals are not in the log yet.
fn unlogged(scene: &Scene) -> usize {
    at_once(scene.stores.rooms.ending(100)).unwrap().len()
}

#[test]
fn a_room_is_made_once_however_often_it_is_asked_for() {
    let scene = Scene::new();
    let made = Room { id: ROOM, name: name("Tea"), by: user("ann"), at: START };
    assert_eq!(scene.make(), Ok(made.clone()));
    scene.clock.pass(std::time::Duration::from_secs(1));
    assert_eq!(scene.make(), Ok(made.clone()), "it was made when it was made");
    assert_eq!(at_once(scene.rooms.room(ROOM)), Ok(made));
    assert_eq!(scene.membership("ann"), Ok(Membership { role: Role::Owner, term: Term(1) }));
}

#[test]
fn the_id_of_another_room_is_taken() {
    let scene = room(&[]);
    for (called, by) in [("Coffee", "ann"), ("Tea", "bob")] {
        let other = NewRoom { id: ROOM, name: name(called), by: user(by) };
        assert_eq!(at_once(scene.rooms.create(other)), Err(RoomError::Taken));
    }
    assert_eq!(at_once(scene.rooms.room(ROOM)).unwrap().name, name("Tea"));
    assert_eq!(scene.membership("bob"), Err(not_a_member("bob")));
}

#[test]
fn only_owners_add() {
    let scene = room(&["bob"]);
    assert_eq!(scene.add("bob", &["cid"]), Err(RoomError::NotAnOwner));
    assert_eq!(scene.add("eve", &["eve"]), Err(not_a_member("eve")));
    assert_eq!(page(&scene, None, 10).members.len(), 2);
    scene.add_as(Role::Owner, "ann", users(&["bob"])).unwrap();
    assert_eq!(scene.add("bob", &["cid", "cid"]), Ok(3), "who is named twice is one member");
}

#[test]
fn an_unknown_room_is_not_found_by_anything() {
    let scene = Scene::new();
    let not_found = RoomError::NotFound { room: ROOM };
    assert_eq!(at_once(scene.rooms.room(ROOM)), Err(not_found.clone()));
    assert_eq!(scene.add("ann", &["bob"]), Err(not_found.clone()));
    assert_eq!(scene.remove("ann", "ann"), Err(not_found.clone()));
    assert_eq!(scene.remove("ann", "bob"), Err(not_found.clone()));
    assert_eq!(scene.membership("ann"), Err(not_found.clone()));
    let query = MemberQuery { room: ROOM, after: None, limit: 1 };
    assert_eq!(at_once(scene.rooms.members(query)), Err(not_found));
}

#[test]
fn a_room_that_would_be_too_full_gets_nobody() {
    let scene = room(&[]);
    let all = crowd(MAX_MEMBERS as usize);
    for some in all[2..].chunks(MAX_MEMBERS_AT_ONCE) {
        scene.add_as(Role::Member, "ann", some.to_vec()).unwrap();
    }
    assert_eq!(scene.add_as(Role::Member, "ann", all[..2].to_vec()), Err(RoomError::Full));
    assert_eq!(scene.membership(all[0].as_str()), Err(not_a_member(all[0].as_str())));
    assert_eq!(
        scene.add_as(Role::Member, "ann", all[1..3].to_vec()),
        Ok(MAX_MEMBERS),
        "one is there already"
    );
    scene.remove("ann", all[1].as_str()).unwrap();
    assert_eq!(scene.add("ann", &["bob"]), Ok(MAX_MEMBERS), "there is a place again");
}

#[test]
fn one_call_adds_so_many_and_no_more() {
    let scene = room(&[]);
    assert_eq!(scene.add_as(Role::Member, "ann", crowd(MAX_MEMBERS_AT_ONCE + 1)), Err(RoomError::TooMany));
    assert_eq!(scene.add_as(Role::Member, "ann", crowd(MAX_MEMBERS_AT_ONCE)), Ok(1_001));
}

#[test]
fn another_role_is_the_same_membership_and_a_later_one_is_not() {
    let scene = room(&["bob"]);
    scene.add_as(Role::Owner, "ann", users(&["bob"])).unwrap();
    assert_eq!(scene.membership("bob"), Ok(Membership { role: Role::Owner, term: Term(1) }));
    scene.add("ann", &["bob"]).unwrap();
    assert_eq!(scene.membership("bob"), Ok(member(1)));
    scene.remove("ann", "bob").unwrap();
    assert_eq!(scene.membership("bob"), Err(not_a_member("bob")));
    assert_eq!(scene.add("ann", &["bob"]), Ok(2));
    assert_eq!(scene.membership("bob"), Ok(member(2)));
}

#[test]
fn the_log_has_a_removal_when_the_call_returns() {
    let scene = room(&["bob", "cid"]);
    scene.send("bob", 1, "hello").unwrap();
    assert_eq!(scene.remove("ann", "bob"), Ok(Removed));
    let logged = ["1 bob: hello", "2 bob was removed (1)"];
    assert_eq!((scene.log(), unlogged(&scene)), (logged.map(String::from).to_vec(), 0));
    assert_eq!(scene.transport.brought(), logged);
    assert_eq!(scene.remove("ann", "bob"), Ok(Removed), "who is no member is removed already");
    assert_eq!(scene.remove("ann", "eve"), Ok(Removed));
    assert_eq!(scene.log(), logged);
    assert_eq!(scene.send("bob", 2, "still here?"), Err(MessageError::NotAMember { user: user("bob") }));
}

#[test]
fn members_remove_themselves_and_nobody_else() {
    let scene = room(&["bob", "cid"]);
    assert_eq!(scene.remove("bob", "cid"), Err(RoomError::NotAnOwner));
    assert_eq!(scene.remove("bob", "ann"), Err(RoomError::NotAnOwner));
    assert_eq!(scene.remove("eve", "cid"), Err(not_a_member("eve")));
    assert_eq!(scene.log(), [] as [&str; 0]);
    assert_eq!(scene.remove("bob", "bob"), Ok(Removed));
    assert_eq!(scene.log(), ["1 bob was removed (1)"]);
    assert_eq!(scene.remove("bob", "cid"), Err(not_a_member("bob")));
}

#[test]
fn the_last_owner_stays_and_stays_one() {
    let scene = room(&["bob"]);
    assert_eq!(scene.remove("ann", "ann"), Err(RoomError::LastOwner));
    assert_eq!(scene.add("ann", &["cid", "ann"]), Err(RoomError::LastOwner));
    assert_eq!(scene.membership("ann"), Ok(Membership { role: Role::Owner, term: Term(1) }));
    assert_eq!(scene.membership("cid"), Err(not_a_member("cid")));
    scene.add_as(Role::Owner, "ann", users(&["bob", "ann"])).unwrap();
    assert_eq!(scene.remove("ann", "ann"), Ok(Removed));
    assert_eq!(scene.remove("bob", "bob"), Err(RoomError::LastOwner));
}

#[test]
fn a_removal_whose_process_was_killed_is_logged_by_a_tick() {
    let scene = room(&["bob"]);
    scene.faults.plan("append", Fault::CallLost);
    assert_eq!(scene.remove("ann", "bob"), Err(lost().into()));
    assert_eq!(scene.membership("bob"), Err(not_a_member("bob")), "it gives no right any more");
    assert_eq!((scene.log(), unlogged(&scene)), (vec![], 1));
    scene.faults.plan("append", Fault::CallLost);
    assert_eq!(at_once(scene.rooms.tick()), Err(lost().into()));
    assert_eq!(at_once(scene.rooms.tick()), Ok(1));
    assert_eq!(at_once(scene.rooms.tick()), Ok(0));
    assert_eq!(scene.log(), ["1 bob was removed (1)"]);
    assert_eq!(scene.transport.brought(), ["1 bob was removed (1)"]);
}

#[test]
fn whatever_is_lost_on_the_way_a_removal_is_logged_once() {
    for call in ["end", "append", "ended"] {
        for fault in [Fault::CallLost, Fault::ReplyLost] {
            for is_repeated in [true, false] {
                let scene = room(&["bob"]);
                scene.faults.plan(call, fault);
                assert_eq!(scene.remove("bob", "bob"), Err(lost().into()), "{call}");
                if is_repeated || (call, fault) == ("end", Fault::CallLost) {
                    assert_eq!(scene.remove("bob", "bob"), Ok(Removed), "{call}");
                }
                at_once(scene.rooms.tick()).unwrap();
                assert_eq!(scene.log(), ["1 bob was removed (1)"], "{call} {fault:?}");
                assert_eq!(unlogged(&scene), 0, "{call} {fault:?}");
            }
        }
    }
}

#[test]
fn who_is_added_while_their_removal_is_not_logged_stays() {
    let scene = room(&["bob"]);
    scene.faults.plan("append", Fault::CallLost);
    scene.remove("ann", "bob").unwrap_err();
    assert_eq!(scene.add("ann", &["bob"]), Ok(2));
    assert_eq!(scene.membership("bob"), Ok(member(2)));
    assert_eq!(at_once(scene.rooms.tick()), Ok(1));
    assert_eq!(scene.membership("bob"), Ok(member(2)));
    scene.send_by(2, "bob", 1, "back again").unwrap();
    assert_eq!(scene.log(), ["1 bob was removed (1)", "2 bob: back again"]);
}

#[test]
fn a_room_whose_store_does_not_reply_says_so() {
    let scene = room(&["bob"]);
    scene.faults.plan("insert", Fault::ReplyLost);
    assert_eq!(scene.make(), Err(lost().into()));
    scene.faults.plan("membership", Fault::CallLost);
    assert_eq!(scene.membership("ann"), Err(lost().into()), "which is not that she is no member");
    scene.faults.plan("find", Fault::CallLost);
    assert_eq!(scene.membership("eve"), Err(lost().into()), "there may be no such room");
    scene.faults.plan("add", Fault::ReplyLost);
    assert_eq!(scene.add("ann", &["cid"]), Err(lost().into()));
    assert_eq!(scene.add("ann", &["cid"]), Ok(3));
    assert_eq!(scene.membership("cid"), Ok(member(1)), "adding again is no second time");
}

#[test]
fn members_are_read_page_by_page_in_the_order_of_their_names() {
    let scene = room(&["cid", "a-z", "bob", "a_z", "a0z"]);
    at_once(scene.rooms.create(NewRoom { id: OTHER_ROOM, name: name("Tea"), by: user("zoe") })).unwrap();
    scene.remove("ann", "cid").unwrap();
    let first = page(&scene, None, 3);
    let listed = |role, name: &str| Member { user: user(name), role };
    let members = ["a-z", "a0z", "a_z"].map(|name| listed(Role::Member, name));
    assert_eq!(first, MemberPage { members: members.to_vec(), next: Some(user("a_z")) });
    let members = vec![listed(Role::Owner, "ann"), listed(Role::Member, "bob")];
    let last = MemberPage { members, next: None };
    assert_eq!(page(&scene, Some("a_z"), 3), last);
    assert_eq!(page(&scene, Some("a_z"), 2), last, "a page that is full may be the last one");
    assert_eq!(page(&scene, Some("bob"), 3), MemberPage::default());
    assert_eq!(page(&scene, Some("anna"), 1).members, [listed(Role::Member, "bob")], "she is no member");
}

#[test]
fn a_page_has_so_many_members_and_no_more() {
    let scene = room(&[]);
    scene.add_as(Role::Member, "ann", crowd(MAX_MEMBERS_AT_ONCE)).unwrap();
    let page = page(&scene, None, u32::MAX);
    assert_eq!(page.members.len(), MAX_MEMBERS_AT_ONCE);
    assert_eq!(page.next.as_ref(), page.members.last().map(|last| &last.user));
}
