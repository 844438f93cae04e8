//! Tells `presence` who is connected here.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backing::Background;
use chat::{
    Device, DeviceId, Devices, GatewayId, MAX_USERS_AT_ONCE, Presence, PresenceError, RENEWED_EVERY, User,
};
use remote::{Context, scope};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

/// How long arrivals and departures are collected: what one report has costs as much as what a thousand have.
const REPORTED_EVERY: Duration = Duration::from_millis(100);
/// The most departures that wait to be reported. With more, this process takes another id, and the lease of the old one ends.
const MOST_LEFT: usize = 10_000;

/// The devices that are connected to this process. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct PresenceReports(Arc<Mutex<Reports>>);

struct Reports {
    gateway: GatewayId,
    connected: HashMap<DeviceId, User>,
    arrived: HashMap<DeviceId, User>,
    /// Those among the arrived that may be known already: their report failed, or is on its way.
    perhaps_known: HashSet<DeviceId>,
    left: Vec<Device>,
}

impl PresenceReports {
    /// Without any device; reports to `presence` until the process stops.
    pub fn start(presence: Arc<dyn Presence>, background: &Background) -> Self {
        let reports = Self(Arc::new(Mutex::new(Reports::new())));
        let own = reports.clone();
        background.start(|stop| async move {
            stop.run_until_cancelled(own.keep(presence)).await;
        });
        reports
    }

    /// A device is connected.
    pub fn arrived(&self, Device { id, user }: Device) {
        let mut reports = self.reports();
        reports.connected.insert(id, user.clone());
        reports.arrived.insert(id, user);
    }

    /// A device is not connected any more.
    pub fn left(&self, device: Device) {
        let mut reports = self.reports();
        reports.connected.remove(&device.id);
        let was_waiting = reports.arrived.remove(&device.id).is_some();
        if reports.perhaps_known.remove(&device.id) || !was_waiting {
            reports.left.push(device);
        }
        if reports.left.len() > MOST_LEFT {
            reports.begin_anew();
        }
    }

    fn reports(&self) -> MutexGuard<'_, Reports> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn keep(&self, presence: Arc<dyn Presence>) {
        let mut renewed: Option<Instant> = None;
        loop {
            sleep(REPORTED_EVERY).await;
            // First, because an arrival renews the lease as well, and does not say whether it had ended.
            if renewed.is_none_or(|renewed| renewed.elapsed() >= RENEWED_EVERY) {
                match scope(Context::unattended(), self.renew(&*presence)).await {
                    Ok(()) => renewed = Some(Instant::now()),
                    Err(error) => {
                        tracing::warn!(%error, "the lease of this process is not renewed");
                        continue;
                    }
                }
            }
            if let Err(error) = scope(Context::unattended(), self.report(&*presence)).await {
                tracing::warn!(%error, "who is connected here is not reported yet");
            }
        }
    }

    /// Reports what waits. What cannot be reported waits on.
    async fn report(&self, presence: &dyn Presence) -> Result<(), PresenceError> {
        loop {
            let (gateway, devices) = self.reports().some_arrived();
            if devices.is_empty() {
                break;
            }
            self.reports().perhaps_known.extend(devices.iter().map(|device| device.id));
            presence.arrive(Devices { gateway, devices: devices.clone() }).await?;
            self.reports().are_reported(gateway, &devices);
        }
        loop {
            let (gateway, devices) = self.reports().some_left();
            if devices.is_empty() {
                return Ok(());
            }
            let count = devices.len();
            presence.leave(Devices { gateway, devices }).await?;
            let mut reports = self.reports();
            if reports.gateway == gateway {
                reports.left.drain(..count);
            }
        }
    }

    async fn renew(&self, presence: &dyn Presence) -> Result<(), PresenceError> {
        let gateway = self.reports().gateway;
        if presence.renew(gateway).await?.had_ended {
            let mut reports = self.reports();
            let Reports { arrived, connected, .. } = &mut *reports;
            arrived.clone_from(connected);
        }
        Ok(())
    }
}

impl Reports {
    fn new() -> Self {
        let gateway = GatewayId(Uuid::now_v7().as_u128());
        Self {
            gateway,
            connected: HashMap::new(),
            arrived: HashMap::new(),
            perhaps_known: HashSet::new(),
            left: Vec::new(),
        }
    }

    /// Goes on under another id.
    fn begin_anew(&mut self) {
        let connected = std::mem::take(&mut self.connected);
        *self = Self { arrived: connected.clone(), connected, ..Self::new() };
    }

    fn some_arrived(&self) -> (GatewayId, Vec<Device>) {
        let devices = self.arrived.iter().take(MAX_USERS_AT_ONCE);
        (self.gateway, devices.map(|(id, user)| Device { id: *id, user: user.clone() }).collect())
    }

    fn some_left(&self) -> (GatewayId, Vec<Device>) {
        (self.gateway, self.left.iter().take(MAX_USERS_AT_ONCE).cloned().collect())
    }

    /// They are known now; those that have left meanwhile are among the left already.
    fn are_reported(&mut self, gateway: GatewayId, devices: &[Device]) {
        if self.gateway == gateway {
            for device in devices {
                self.arrived.remove(&device.id);
                self.perhaps_known.remove(&device.id);
            }
        }
    }
}
