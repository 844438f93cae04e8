//! Background jobs: removals whose process was killed halfway.

use std::{sync::Arc, time::Duration};

use backing::Background;
use chat::RoomService;

/// How often removals are looked for that are not in their room's log yet.
const REMOVALS_EVERY: Duration = Duration::from_secs(1);

/// Goes on with removals whose process was killed halfway.
pub(crate) fn finish_removals(rooms: Arc<RoomService>, background: &Background) {
    background.every(REMOVALS_EVERY, move || {
        let rooms = Arc::clone(&rooms);
        async move {
            if let Err(error) = rooms.tick().await {
                tracing::warn!(%error, "removals from rooms wait");
            }
        }
    });
}
