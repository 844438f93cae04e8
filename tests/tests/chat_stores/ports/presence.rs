//! Who is connected where.

use chat::{Device, DeviceId, DeviceState, GatewayId, PresenceStore, User};
use contract::Timestamp;

use super::words::{user, users};
use crate::ground::everywhere;

const ONE: GatewayId = GatewayId(u128::MAX);
const TWO: GatewayId = GatewayId(2);

fn ms(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn device(id: u128, name: &str) -> Device {
    Device { id: DeviceId(id), user: user(name) }
}

fn state(leased_until: u64, left: Option<u64>) -> DeviceState {
    DeviceState { leased_until: ms(leased_until), left: left.map(ms) }
}

/// The devices of these users, by the users and the states.
async fn devices<const N: usize>(presence: &dyn PresenceStore, names: [&str; N]) -> Vec<(User, DeviceState)> {
    let mut devices = presence.devices(&users(names)).await.unwrap();
    devices.sort_by_key(|(user, state)| (user.clone(), state.leased_until, state.left));
    devices
}

#[tokio::test]
async fn devices_arrive_and_leave() {
    for ground in everywhere().await {
        let (presence, name) = (&*ground.stores.presence, ground.name);
        let (phone, desk, theirs) = (device(1, "ann"), device(2, "ann"), device(3, "bob"));
        let all = [phone.clone(), desk, theirs, phone.clone()];
        presence.arrive(ONE, &all, ms(100)).await.unwrap();
        let there = state(100, None);
        let expected = [(user("ann"), there), (user("ann"), there), (user("bob"), there)];
        assert_eq!(devices(presence, ["bob", "ann", "cid"]).await, expected, "{name}");
        assert_eq!(devices(presence, ["bob", "bob"]).await, expected[2..], "{name}");
        assert_eq!(devices(presence, []).await, [], "{name}");

        presence.leave(ONE, &[phone.clone(), device(9, "ann"), phone.clone()], ms(50)).await.unwrap();
        presence.leave(ONE, std::slice::from_ref(&phone), ms(60)).await.unwrap();
        let left = state(100, Some(50));
        let expected = [(user("ann"), there), (user("ann"), left)];
        assert_eq!(devices(presence, ["ann"]).await, expected, "{name}: left once, and nobody came");

        presence.arrive(ONE, std::slice::from_ref(&phone), ms(200)).await.unwrap();
        let there = state(200, None);
        let expected = [(user("ann"), there), (user("ann"), there)];
        assert_eq!(
            devices(presence, ["ann"]).await,
            expected,
            "{name}: it came back, and the lease is of all"
        );
    }
}

#[tokio::test]
async fn each_gateway_has_its_own_devices_and_lease() {
    for ground in everywhere().await {
        let (presence, name) = (&*ground.stores.presence, ground.name);
        presence.arrive(ONE, &[device(1, "ann")], ms(100)).await.unwrap();
        presence.arrive(TWO, &[device(1, "ann")], ms(200)).await.unwrap();
        presence.leave(ONE, &[device(1, "ann")], ms(50)).await.unwrap();
        presence.leave(GatewayId(3), &[device(1, "ann")], ms(50)).await.unwrap();
        let expected = [(user("ann"), state(100, Some(50))), (user("ann"), state(200, None))];
        assert_eq!(devices(presence, ["ann"]).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_lease_is_renewed_and_the_one_before_is_told() {
    for ground in everywhere().await {
        let (presence, name) = (&*ground.stores.presence, ground.name);
        assert_eq!(presence.renew(ONE, ms(100)).await, Ok(None), "{name}");
        assert_eq!(presence.renew(ONE, ms(200)).await, Ok(Some(ms(100))), "{name}");
        presence.arrive(ONE, &[device(1, "ann")], ms(300)).await.unwrap();
        assert_eq!(presence.renew(ONE, ms(400)).await, Ok(Some(ms(300))), "{name}");
        assert_eq!(presence.renew(TWO, ms(500)).await, Ok(None), "{name}");
        assert_eq!(devices(presence, ["ann"]).await, [(user("ann"), state(400, None))], "{name}");
        presence.arrive(TWO, &[], ms(600)).await.unwrap();
        assert_eq!(presence.renew(TWO, ms(700)).await, Ok(Some(ms(600))), "{name}: nobody has arrived");
    }
}

#[tokio::test]
async fn a_thousand_devices_arrive_and_leave_at_once() {
    for ground in everywhere().await {
        let (presence, name) = (&*ground.stores.presence, ground.name);
        let names: Vec<User> = (0..1_000).map(|number| user(&format!("u{number}"))).collect();
        let all: Vec<_> =
            (0..).zip(&names).map(|(id, user)| Device { id: DeviceId(id), user: user.clone() }).collect();
        presence.arrive(ONE, &all, ms(100)).await.unwrap();
        assert_eq!(presence.devices(&names).await.unwrap().len(), 1_000, "{name}");
        presence.leave(ONE, &all[..999], ms(50)).await.unwrap();
        let there = |(_, state): &(User, DeviceState)| state.left.is_none();
        let left: Vec<_> = presence.devices(&names).await.unwrap().into_iter().filter(there).collect();
        assert_eq!(left, [(names[999].clone(), state(100, None))], "{name}");
    }
}

#[tokio::test]
async fn what_nobody_is_shown_by_is_forgotten() {
    for ground in everywhere().await {
        let (presence, name) = (&*ground.stores.presence, ground.name);
        presence.arrive(ONE, &[device(1, "ann"), device(2, "bob")], ms(100)).await.unwrap();
        presence.arrive(TWO, &[device(3, "ann"), device(4, "bob"), device(5, "cid")], ms(300)).await.unwrap();
        presence.leave(TWO, &[device(3, "ann")], ms(99)).await.unwrap();
        presence.leave(TWO, &[device(4, "bob")], ms(100)).await.unwrap();
        assert_eq!(presence.forget(ms(99), 9).await, Ok(0), "{name}");
        assert_eq!(presence.forget(ms(100), 9).await, Ok(1), "{name}: what left before");
        let expected = [(user("ann"), state(100, None)), (user("bob"), state(100, None))];
        let left = (user("bob"), state(300, Some(100)));
        let there = (user("cid"), state(300, None));
        let expected = [expected[0].clone(), expected[1].clone(), left, there.clone()];
        assert_eq!(devices(presence, ["ann", "bob", "cid"]).await, expected, "{name}");
        assert_eq!(presence.forget(ms(101), 9).await, Ok(4), "{name}: a device, and a gateway with two");
        assert_eq!(devices(presence, ["ann", "bob", "cid"]).await, [there], "{name}");
        assert_eq!(presence.renew(ONE, ms(400)).await, Ok(None), "{name}: its lease is forgotten");
        assert_eq!(presence.renew(TWO, ms(400)).await, Ok(Some(ms(300))), "{name}");
    }
}

#[tokio::test]
async fn no_more_is_forgotten_at_once_than_is_asked_for() {
    for ground in everywhere().await {
        let (presence, name) = (&*ground.stores.presence, ground.name);
        let five: Vec<_> = (0..5).map(|id| device(id, "ann")).collect();
        presence.arrive(ONE, &five, ms(100)).await.unwrap();
        presence.arrive(TWO, &five, ms(900)).await.unwrap();
        presence.leave(TWO, &five, ms(100)).await.unwrap();
        for gateway in 3..=7 {
            presence.renew(GatewayId(gateway), ms(100)).await.unwrap();
        }
        // Of each gateway without devices, of each device that left, of each device of a lost gateway: two at most.
        let mut forgotten = Vec::new();
        loop {
            let now = presence.forget(ms(500), 2).await.unwrap();
            forgotten.push(now);
            if now == 0 {
                break;
            }
            let ones = devices(presence, ["ann"]).await.into_iter();
            let is_orphaned = ones.filter(|(_, state)| state.leased_until == ms(100)).count() == 0;
            assert!(is_orphaned || forgotten.len() < 3, "{name}: a gateway goes after its devices");
        }
        assert_eq!(forgotten.iter().sum::<u64>(), 5 + 5 + 6, "{name}");
        assert!(forgotten.iter().all(|now| *now <= 6), "{name}: {forgotten:?}");
        assert_eq!(devices(presence, ["ann"]).await, [], "{name}");
        assert_eq!(presence.renew(TWO, ms(901)).await, Ok(Some(ms(900))), "{name}: the one that is there");
    }
}
