//! Background jobs: overdue sagas, reservations that have ended, and the address for webhooks.

use std::{sync::Arc, time::Duration};

use backing::{Background, failpoint};
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
/// How often old rows are looked for. A call that has deleted some is followed by the next one at once.
const FORGET_EVERY: Duration = Duration::from_secs(30);
/// How often the provider is told where its webhooks go, until it has taken it.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(500);

/// Moves sagas on whose participants are silent.
pub(crate) fn resume_sagas(orders: Arc<OrderService>, background: &Background) {
    background.start(|stop| async move {
        while is_going_on(SAGAS_EVERY, &stop).await {
            match unattended(orders.tick()).await {
                Ok(0) => {}
                Ok(_) => failpoint::reached("timer", "resent"),
                Err(error) => tracing::warn!(%error, "sagas that wait in vain wait on"),
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

/// Deletes rows that are older than anybody remembers, some with each call.
pub(crate) fn forget<F>(background: &Background, some: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = Result<u64, Unavailable>> + Send,
{
    background.start(|stop| async move {
        while is_going_on(FORGET_EVERY, &stop).await {
            while !stop.is_cancelled() {
                match unattended(some()).await {
                    Ok(0) => break,
                    Ok(_) => {}
                    Err(error) => {
                        tracing::warn!(%error, "old rows stay");
                        break;
                    }
                }
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

#[cfg(test)]
mod tests {
    use cart::FIRST_WAIT;

    use super::*;

    #[test]
    fn no_command_is_sent_again_while_it_and_its_reply_wait_for_full_batches() {
        assert!(FIRST_WAIT > 2 * backing::MEMORY_LINGER + SAGAS_EVERY);
    }
}
