//! Background jobs: removals whose process was killed halfway, and devices that are long gone.

use std::{sync::Arc, time::Duration};

use backing::Background;
use chat::{PresenceService, RoomService};
use remote::{Context, scope};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// How often removals are looked for that are not in their room's log yet.
const REMOVALS_EVERY: Duration = Duration::from_secs(1);
/// How often old devices are looked for. A call that has deleted some is followed by the next one at once.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// Goes on with removals whose process was killed halfway.
pub(crate) fn finish_removals(rooms: Arc<RoomService>, background: &Background) {
    background.start(|stop| async move {
        while is_going_on(REMOVALS_EVERY, &stop).await {
            if let Err(error) = unattended(rooms.tick()).await {
                tracing::warn!(%error, "removals from rooms wait");
            }
        }
    });
}

/// Deletes devices by which nobody is online any more.
pub(crate) fn forget_devices(presence: Arc<PresenceService>, background: &Background) {
    background.start(|stop| async move {
        while is_going_on(FORGET_EVERY, &stop).await {
            while !stop.is_cancelled() {
                match unattended(presence.forget()).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "old devices stay");
                        break;
                    }
                }
            }
        }
    });
}

async fn is_going_on(every: Duration, stop: &CancellationToken) -> bool {
    stop.run_until_cancelled(sleep(every)).await.is_some()
}

async fn unattended<T>(work: impl Future<Output = T>) -> T {
    scope(Context::unattended(), work).await
}
