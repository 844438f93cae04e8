//! The logic of the component `presence`.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use contract::{Clock, Timestamp, Unavailable};

use crate::{
    DeviceState, Devices, GRACE, GatewayId, LEASE, MAX_USERS_AT_ONCE, Noted, Presence, PresenceError,
    PresenceStore, Renewed, Users,
};

/// How long what nobody is shown by is kept: longer than clocks differ.
const KEPT_FOR: Duration = Duration::from_mins(1);
/// Rows of each kind that one call deletes.
const MOST_FORGOTTEN: u32 = 500;

/// Knows who is online.
pub struct PresenceService {
    store: Arc<dyn PresenceStore>,
    clock: Arc<dyn Clock>,
}

impl PresenceService {
    /// Creates the service on a store.
    pub fn new(store: Arc<dyn PresenceStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Deletes some of what nobody is shown by any more. Returns how much.
    pub async fn forget(&self) -> Result<u64, Unavailable> {
        let kept_since = self.clock.now().millis().saturating_sub(KEPT_FOR.as_millis() as u64);
        self.store.forget(Timestamp::from_millis(kept_since), MOST_FORGOTTEN).await
    }
}

#[async_trait]
impl Presence for PresenceService {
    async fn arrive(&self, Devices { gateway, devices }: Devices) -> Result<Noted, PresenceError> {
        check(devices.len())?;
        self.store.arrive(gateway, &devices, self.clock.now().plus(LEASE)).await?;
        Ok(Noted)
    }

    async fn leave(&self, Devices { gateway, devices }: Devices) -> Result<Noted, PresenceError> {
        check(devices.len())?;
        self.store.leave(gateway, &devices, self.clock.now()).await?;
        Ok(Noted)
    }

    async fn renew(&self, gateway: GatewayId) -> Result<Renewed, PresenceError> {
        let now = self.clock.now();
        let before = self.store.renew(gateway, now.plus(LEASE)).await?;
        Ok(Renewed { had_ended: before.is_none_or(|until| until <= now) })
    }

    async fn online(&self, Users(users): Users) -> Result<Users, PresenceError> {
        check(users.len())?;
        let now = self.clock.now();
        let devices = self.store.devices(&users).await?;
        let online: BTreeSet<_> =
            devices.into_iter().filter(|(_, device)| device.is_online(now)).map(|(user, _)| user).collect();
        Ok(Users(users.into_iter().filter(|user| online.contains(user)).collect()))
    }
}

impl DeviceState {
    /// Whether its user is online by it: a device that left is so for [`GRACE`], and one whose gateway says nothing more until
    /// the end of the lease.
    fn is_online(self, now: Timestamp) -> bool {
        match self.left {
            Some(left) => now < left.plus(GRACE),
            None => now < self.leased_until,
        }
    }
}

fn check(number: usize) -> Result<(), PresenceError> {
    if number > MAX_USERS_AT_ONCE { Err(PresenceError::TooMany) } else { Ok(()) }
}
