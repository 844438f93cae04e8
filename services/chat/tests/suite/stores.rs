//! What the components stand on.

use std::{any::Any, sync::Arc};

use chat::{MessageStore, PresenceStore, RoomStore};

/// The stores of the components, new and empty.
pub(crate) struct Stores {
    pub(crate) rooms: Arc<dyn RoomStore>,
    pub(crate) messages: Arc<dyn MessageStore>,
    pub(crate) presence: Arc<dyn PresenceStore>,
    /// What has to live as long.
    pub(crate) _kept: Box<dyn Any + Send + Sync>,
}
