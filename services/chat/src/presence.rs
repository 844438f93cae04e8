//! The contract of the component `presence`.

use std::time::Duration;

use async_trait::async_trait;
use contract::{Kind, RemoteError, Timestamp, Unavailable};
use serde::{Deserialize, Serialize};

use crate::{DeviceId, GatewayId, User};

/// How long the connections of a gateway count without a word from it: the longest time for which users of a killed gateway
/// are shown as online.
pub const LEASE: Duration = Duration::from_secs(6);
/// How often a gateway renews its lease: it may miss two.
pub const RENEWED_EVERY: Duration = Duration::from_secs(2);
/// How long a user without a connection stays online, so that a short drop is not seen by others.
pub const GRACE: Duration = Duration::from_secs(3);
/// The most users of one call, and the most devices.
pub const MAX_USERS_AT_ONCE: usize = 1_000;

/// Knows who is online: who has a connection, or had one until a moment ago.
#[async_trait]
pub trait Presence: Send + Sync {
    /// Devices are connected to a gateway, at most [`MAX_USERS_AT_ONCE`]; renews the gateway's lease. Idempotent.
    async fn arrive(&self, devices: Devices) -> Result<Noted, PresenceError>;

    /// Devices are not connected to a gateway any more. Idempotent.
    async fn leave(&self, devices: Devices) -> Result<Noted, PresenceError>;

    /// Renews a gateway's lease. A gateway whose lease had ended is told so, and has all its devices arrive once more.
    /// Idempotent.
    async fn renew(&self, gateway: GatewayId) -> Result<Renewed, PresenceError>;

    /// Which of these users are online, at most [`MAX_USERS_AT_ONCE`]. Idempotent.
    async fn online(&self, users: Users) -> Result<Users, PresenceError>;
}

/// Devices at a gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// The process that holds their connections.
    pub gateway: GatewayId,
    /// The devices.
    pub devices: Vec<Device>,
}

/// A connection of a user.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// Whose.
    pub user: User,
}

/// It has been noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted;

/// A lease has been renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// Whether it had ended.
    pub had_ended: bool,
}

/// Users.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Users(pub Vec<User>);

/// The state of a device as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceState {
    /// Until when its gateway's lease is.
    pub leased_until: Timestamp,
    /// Since when it is disconnected, if it is.
    pub left: Option<Timestamp>,
}

/// The errors of presence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PresenceError {
    /// More than [`MAX_USERS_AT_ONCE`].
    #[error("one call is about at most {MAX_USERS_AT_ONCE} users")]
    TooMany,
    /// The component, or its backing, did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for PresenceError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooMany => Kind::Invalid,
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
