//! Presence: online is who has a connection, or had one until a moment ago, whatever happens to the process that held it.

use std::time::Duration;

use chat::{
    Device, DeviceId, Devices, GRACE, GatewayId, LEASE, MAX_USERS_AT_ONCE, Noted, Presence, PresenceError,
    RENEWED_EVERY, Users,
};

use super::scene::Scene;
use crate::{
    faults::{Fault, lost},
    support::{at_once, crowd, user, users},
};

const GATEWAY: GatewayId = GatewayId(1);
const OTHER: GatewayId = GatewayId(2);
/// The resolution of the clock.
const MOMENT: Duration = Duration::from_millis(1);

/// A moment less than this.
fn almost(time: Duration) -> Duration {
    time.saturating_sub(MOMENT)
}

/// A device of somebody at a gateway.
fn device(gateway: GatewayId, id: u128, name: &str) -> Devices {
    Devices { gateway, devices: vec![Device { id: DeviceId(id), user: user(name) }] }
}

fn arrive(scene: &Scene, gateway: GatewayId, id: u128, name: &str) {
    assert_eq!(at_once(scene.presence.arrive(device(gateway, id, name))), Ok(Noted));
}

fn leave(scene: &Scene, gateway: GatewayId, id: u128, name: &str) {
    assert_eq!(at_once(scene.presence.leave(device(gateway, id, name))), Ok(Noted));
}

/// Renews a lease. Returns whether it had ended.
fn renew(scene: &Scene, gateway: GatewayId) -> bool {
    at_once(scene.presence.renew(gateway)).unwrap().had_ended
}

fn is_online(scene: &Scene, name: &str) -> bool {
    !at_once(scene.presence.online(Users(users(&[name])))).unwrap().0.is_empty()
}

/// How many devices of somebody are stored.
fn stored(scene: &Scene, name: &str) -> usize {
    at_once(scene.stores.presence.devices(&users(&[name]))).unwrap().len()
}

#[test]
fn online_is_who_is_connected_in_the_order_of_the_question() {
    let scene = Scene::new();
    arrive(&scene, GATEWAY, 1, "cid");
    arrive(&scene, OTHER, 1, "ann");
    let asked = Users(users(&["cid", "bob", "ann"]));
    assert_eq!(at_once(scene.presence.online(asked)), Ok(Users(users(&["cid", "ann"]))));
}

#[test]
fn who_is_connected_to_a_killed_gateway_is_online_until_its_lease_ends() {
    let scene = Scene::new();
    arrive(&scene, GATEWAY, 1, "ann");
    arrive(&scene, OTHER, 2, "bob");
    for _ in 0..2 {
        scene.clock.pass(RENEWED_EVERY);
        assert!(!renew(&scene, OTHER));
    }
    scene.clock.pass(almost(LEASE.saturating_sub(2 * RENEWED_EVERY)));
    assert!(is_online(&scene, "ann"));
    scene.clock.pass(MOMENT);
    assert!(!is_online(&scene, "ann"));
    assert!(is_online(&scene, "bob"));
}

#[test]
fn a_gateway_may_miss_two_renewals() {
    let scene = Scene::new();
    arrive(&scene, GATEWAY, 1, "ann");
    scene.clock.pass(almost(3 * RENEWED_EVERY));
    assert!(is_online(&scene, "ann"));
    assert!(!renew(&scene, GATEWAY));
    scene.clock.pass(almost(LEASE));
    assert!(is_online(&scene, "ann"));
}

#[test]
fn a_gateway_whose_lease_had_ended_is_told_so_once() {
    let scene = Scene::new();
    assert!(renew(&scene, GATEWAY), "nobody knew it");
    assert!(!renew(&scene, GATEWAY));
    arrive(&scene, GATEWAY, 1, "ann");
    scene.clock.pass(LEASE);
    assert!(!is_online(&scene, "ann"));
    assert!(renew(&scene, GATEWAY));
    assert!(!renew(&scene, GATEWAY));
}

#[test]
fn a_short_drop_is_not_seen() {
    let scene = Scene::new();
    arrive(&scene, GATEWAY, 1, "ann");
    for id in 1..10 {
        leave(&scene, GATEWAY, id, "ann");
        scene.clock.pass(almost(GRACE));
        assert!(is_online(&scene, "ann"));
        arrive(&scene, GATEWAY, id + 1, "ann");
        scene.clock.pass(MOMENT);
        assert!(is_online(&scene, "ann"));
    }
}

#[test]
fn who_does_not_come_back_is_offline_after_a_grace() {
    let scene = Scene::new();
    arrive(&scene, GATEWAY, 1, "ann");
    leave(&scene, GATEWAY, 1, "ann");
    scene.clock.pass(almost(GRACE));
    assert!(is_online(&scene, "ann"));
    leave(&scene, GATEWAY, 1, "ann");
    scene.clock.pass(MOMENT);
    assert!(!is_online(&scene, "ann"), "to leave again is no longer grace");
    arrive(&scene, GATEWAY, 1, "ann");
    scene.clock.pass(GRACE);
    assert!(is_online(&scene, "ann"), "it is there again");
}

#[test]
fn a_device_that_leaves_takes_no_other_one_with_it() {
    let scene = Scene::new();
    arrive(&scene, GATEWAY, 1, "ann");
    arrive(&scene, OTHER, 2, "ann");
    leave(&scene, OTHER, 1, "ann");
    leave(&scene, GATEWAY, 1, "ann");
    scene.clock.pass(GRACE);
    assert!(is_online(&scene, "ann"));
    leave(&scene, OTHER, 2, "ann");
    scene.clock.pass(GRACE);
    assert!(!is_online(&scene, "ann"));
}

#[test]
fn only_what_nobody_is_shown_by_is_forgotten() {
    let scene = Scene::new();
    arrive(&scene, GATEWAY, 1, "ann");
    arrive(&scene, OTHER, 2, "bob");
    arrive(&scene, OTHER, 3, "cid");
    leave(&scene, OTHER, 3, "cid");
    let forget = || at_once(scene.presence.forget()).unwrap();
    assert_eq!(forget(), 0);
    for _ in 0..40 {
        scene.clock.pass(RENEWED_EVERY);
        renew(&scene, OTHER);
    }
    assert_eq!(stored(&scene, "ann") + stored(&scene, "bob") + stored(&scene, "cid"), 3);
    assert_eq!(forget(), 3, "a device of a killed gateway, the gateway, and a device that left");
    assert_eq!((stored(&scene, "ann"), stored(&scene, "bob"), stored(&scene, "cid")), (0, 1, 0));
    assert!(is_online(&scene, "bob"));
    assert_eq!(forget(), 0);
    assert!(renew(&scene, GATEWAY), "one that was only away has its devices arrive once more");
}

#[test]
fn what_ended_just_now_is_kept_for_longer_than_clocks_differ() {
    let scene = Scene::new();
    arrive(&scene, GATEWAY, 1, "ann");
    scene.clock.pass(LEASE + Duration::from_mins(1));
    assert_eq!(at_once(scene.presence.forget()), Ok(0));
    scene.clock.pass(MOMENT);
    assert_eq!(at_once(scene.presence.forget()), Ok(2));
}

#[test]
fn one_call_is_about_so_many_users_and_no_more() {
    let scene = Scene::new();
    let devices = |number| {
        let device = |(index, user)| Device { id: DeviceId(index as u128), user };
        Devices { gateway: GATEWAY, devices: crowd(number).into_iter().enumerate().map(device).collect() }
    };
    let (most, too_many) = (MAX_USERS_AT_ONCE, MAX_USERS_AT_ONCE + 1);
    assert_eq!(at_once(scene.presence.arrive(devices(too_many))), Err(PresenceError::TooMany));
    assert_eq!(at_once(scene.presence.arrive(devices(most))), Ok(Noted));
    assert_eq!(at_once(scene.presence.online(Users(crowd(too_many)))), Err(PresenceError::TooMany));
    assert_eq!(at_once(scene.presence.online(Users(crowd(most)))), Ok(Users(crowd(most))));
    assert_eq!(at_once(scene.presence.leave(devices(too_many))), Err(PresenceError::TooMany));
    assert_eq!(at_once(scene.presence.leave(devices(most))), Ok(Noted));
}

#[test]
fn a_presence_whose_store_does_not_reply_says_so() {
    let scene = Scene::new();
    for call in ["arrive", "leave", "renew", "devices", "forget"] {
        scene.faults.plan(call, Fault::ReplyLost);
    }
    let ann = || device(GATEWAY, 1, "ann");
    assert_eq!(at_once(scene.presence.arrive(ann())), Err(lost().into()));
    assert_eq!(at_once(scene.presence.leave(ann())), Err(lost().into()));
    assert_eq!(at_once(scene.presence.renew(GATEWAY)), Err(lost().into()));
    assert_eq!(at_once(scene.presence.online(Users(users(&["ann"])))), Err(lost().into()));
    assert_eq!(at_once(scene.presence.forget()), Err(lost()));
}
