//! Background jobs: overdue sagas, reservations that have ended, and the address for webhooks.

use std::{sync::Arc, time::Duration};

use backing::Background;
use cart::{OrderService, StockService};
use contract::Unavailable;
use remote::{Context, scope};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{adapters::HttpProvider, edge::WebhookSecret};

/// How often sagas are looked for that wait in vain: a fraction of the shortest time that one waits.
const SAGAS_EVERY: Duration = Duration::from_millis(200);
/// How often reservations are looked for that have ended.
const RESERVATIONS_EVERY: Duration = Duration::from_secs(1);
/// How often the provider is told where its webhooks go, until it has taken it.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(500);

/// Moves sagas on whose participants are silent.
pub(crate) fn resume_sagas(orders: Arc<OrderService>, background: &Background) {
    background.start(|stop| async move {
        while is_going_on(SAGAS_EVERY, &stop).await {
            if let Err(error) = unattended(orders.tick()).await {
                tracing::warn!(%error, "sagas that wait in vain wait on");
            }
        }
    });
}

/// Gives back goods whose reservations have ended.
pub(crate) fn expire_reservations(stock: Arc<StockService>, background: &Background) {
    background.start(|stop| async move {
        while is_going_on(RESERVATIONS_EVERY, &stop).await {
            if let Err(error) = unattended(stock.expire()).await {
                tracing::warn!(%error, "reservations that have ended stay");
            }
        }
    });
}

/// Tells the provider where its webhooks go, and learns what it signs them with.
pub(crate) fn announce_webhooks(
    provider: Arc<HttpProvider>,
    url: String,
    secret: WebhookSecret,
    background: &Background,
) {
    background.start(|stop| async move {
        loop {
            let announced: Result<String, Unavailable> = unattended(provider.announce(&url)).await;
            match announced {
                Ok(told) => return secret.set(told),
                Err(error) => tracing::info!(%error, "the provider does not know yet where its webhooks go"),
            }
            if !is_going_on(ANNOUNCE_EVERY, &stop).await {
                return;
            }
        }
    });
}

/// Waits; returns whether the process goes on.
async fn is_going_on(period: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        () = sleep(period) => true,
    }
}

/// Runs what no request waits for.
async fn unattended<F: Future>(work: F) -> F::Output {
    scope(Context::unattended(), work).await
}
