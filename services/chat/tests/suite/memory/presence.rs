//! Who is connected where, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chat::{Device, DeviceId, DeviceState, GatewayId, PresenceStore, User};
use contract::{Timestamp, Unavailable};

use super::Memory;

/// What is stored.
#[derive(Default)]
pub(super) struct PresenceTables {
    leases: BTreeMap<GatewayId, Timestamp>,
    devices: BTreeMap<(GatewayId, DeviceId), (User, Option<Timestamp>)>,
}

#[async_trait]
impl PresenceStore for Memory {
    async fn arrive(
        &self,
        gateway: GatewayId,
        devices: &[Device],
        until: Timestamp,
    ) -> Result<(), Unavailable> {
        let mut tables = self.presence();
        tables.leases.insert(gateway, until);
        tables
            .devices
            .extend(devices.iter().map(|device| ((gateway, device.id), (device.user.clone(), None))));
        Ok(())
    }

    async fn leave(&self, gateway: GatewayId, devices: &[Device], at: Timestamp) -> Result<(), Unavailable> {
        let mut tables = self.presence();
        for device in devices {
            if let Some((_, left)) = tables.devices.get_mut(&(gateway, device.id)) {
                left.get_or_insert(at);
            }
        }
        Ok(())
    }

    async fn renew(&self, gateway: GatewayId, until: Timestamp) -> Result<Option<Timestamp>, Unavailable> {
        Ok(self.presence().leases.insert(gateway, until))
    }

    async fn devices(&self, users: &[User]) -> Result<Vec<(User, DeviceState)>, Unavailable> {
        let tables = self.presence();
        let of_users = tables.devices.iter().filter(|(_, (user, _))| users.contains(user));
        let state = |((gateway, _), (user, left)): (&(GatewayId, DeviceId), &(User, Option<Timestamp>))| {
            (user.clone(), DeviceState { leased_until: tables.leases[gateway], left: *left })
        };
        Ok(of_users.map(state).collect())
    }

    async fn forget(&self, before: Timestamp, most: u32) -> Result<u64, Unavailable> {
        let mut tables = self.presence();
        let PresenceTables { leases, devices } = &mut *tables;
        let has_left = |left: &Option<Timestamp>| left.is_some_and(|left| left < before);
        let forgotten =
            devices.extract_if(.., |(gateway, _), (_, left)| has_left(left) || leases[gateway] < before);
        let number = forgotten.take(most as usize).count();
        // A lease stays as long as a device has it.
        let is_held = |gateway: &GatewayId| devices.keys().any(|(at, _)| at == gateway);
        let ended = leases.extract_if(.., |gateway, until| *until < before && !is_held(gateway));
        Ok((number + ended.take(most as usize).count()) as u64)
    }
}
