//! Devices that come and go while what is old is forgotten.

use std::sync::Arc;

use chat::{Device, DeviceId, GatewayId, PresenceStore};
use contract::Timestamp;
use futures::future::join_all;

use super::super::words::{insist, user, users};
use crate::{ground::everywhere, stores::Stores};

const GATEWAY: GatewayId = GatewayId(7);

/// The stores of the processes in turns.
fn turns(one: &Stores, other: &Stores, turn: u64) -> Arc<dyn PresenceStore> {
    Arc::clone(if turn.is_multiple_of(2) { &one.presence } else { &other.presence })
}

fn ms(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn devices(is_reversed: bool) -> Vec<Device> {
    let mut devices: Vec<_> = (0..200).map(|id| Device { id: DeviceId(id), user: user("ann") }).collect();
    if is_reversed {
        devices.reverse();
    }
    devices
}

#[tokio::test]
async fn those_who_change_the_same_devices_do_not_wait_for_each_other() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        join_all((0..12).map(|turn| {
            let presence = turns(one, other, turn);
            async move {
                for round in 0..25 {
                    let devices = devices(turn % 4 < 2);
                    match turn % 3 {
                        0 => insist(async || presence.arrive(GATEWAY, &devices, ms(100 + round)).await).await,
                        1 => insist(async || presence.leave(GATEWAY, &devices, ms(50)).await).await,
                        _ => drop(insist(async || presence.forget(ms(100 + round), 50).await).await),
                    }
                }
            }
        }))
        .await;
        insist(async || one.presence.arrive(GATEWAY, &devices(false), ms(900)).await).await;
        let found = one.presence.devices(&users(["ann"])).await.unwrap();
        assert_eq!(found.len(), 200, "{name}");
        assert!(found.iter().all(|(_, state)| state.left.is_none()), "{name}");
    }
}

#[tokio::test]
async fn what_arrives_again_is_not_forgotten_with_what_was_there() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        for round in 1..=30_u64 {
            let gateway = GatewayId(round.into());
            let devices = devices(round % 2 == 0);
            one.presence.arrive(gateway, &devices, ms(100)).await.unwrap();
            one.presence.leave(gateway, &devices[..100], ms(100)).await.unwrap();
            let (forgetting, arriving) = (turns(one, other, round), turns(one, other, round + 1));
            tokio::join!(
                insist(async || forgetting.forget(ms(500), 1_000).await),
                insist(async || arriving.arrive(gateway, &devices, ms(900)).await),
            );
            let found = one.presence.devices(&users(["ann"])).await.unwrap();
            let there =
                found.iter().filter(|(_, state)| state.leased_until == ms(900) && state.left.is_none());
            assert_eq!((there.count(), found.len()), (200, 200), "{name}, round {round}");
            other.presence.arrive(gateway, &[], ms(1)).await.unwrap();
            while other.presence.forget(ms(2), 1_000).await.unwrap() > 0 {}
        }
    }
}

#[tokio::test]
async fn of_renewals_at_once_each_is_told_another_lease_before() {
    for ground in everywhere().await {
        let (one, other, name) = (&ground.stores, &ground.other_process().await, ground.name);
        let mut before = join_all((1..=20).map(|until| {
            let presence = turns(one, other, until);
            async move { insist(async || presence.renew(GATEWAY, ms(until)).await).await }
        }))
        .await;
        let last = one.presence.renew(GATEWAY, ms(99)).await.unwrap();
        before.push(last);
        before.sort_unstable();
        let expected: Vec<_> = std::iter::once(None).chain((1..=20).map(|until| Some(ms(until)))).collect();
        assert_eq!(before, expected, "{name}");
    }
}
