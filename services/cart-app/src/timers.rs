//! Background jobs: overdue sagas, reservations that have ended, and the address for webhooks.

use std::{sync::Arc, time::Duration};

use backing::{Background, failpoint};
use cart::{OrderService, StockService};
use remote::{Context, scope};
use tokio::time::sleep;

use crate::{adapters::HttpProvider, edge::WebhookSecret};

/// How often sagas are looked for that wait in vain: a fraction of the shortest time that one waits.
const SAGAS_EVERY: Duration = Duration::from_millis(200);
/// How often reservations are looked for that have ended.
const RESERVATIONS_EVERY: Duration = Duration::from_secs(1);
/// How often the provider is told where its webhooks go, until it has taken it.
const ANNOUNCE_EVERY: Duration = Duration::from_millis(500);

/// Moves sagas on whose participants are silent.
pub(crate) fn resume_sagas(orders: Arc<OrderService>, background: &Background) {
    background.every(SAGAS_EVERY, move || {
        let orders = Arc::clone(&orders);
        async move {
            match orders.tick().await {
                Ok(0) => {}
                Ok(_) => failpoint::reached("timer", "resent"),
                Err(error) => tracing::warn!(%error, "sagas that wait in vain wait on"),
            }
        }
    });
}

/// Gives back goods whose reservations have ended.
pub(crate) fn expire_reservations(stock: Arc<StockService>, background: &Background) {
    background.every(RESERVATIONS_EVERY, move || {
        let stock = Arc::clone(&stock);
        async move {
            if let Err(error) = stock.expire().await {
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
            match scope(Context::unattended(), provider.announce(&url)).await {
                Ok(told) => return secret.set(told),
                Err(error) => tracing::info!(%error, "the provider does not know yet where its webhooks go"),
            }
            if stop.run_until_cancelled(sleep(ANNOUNCE_EVERY)).await.is_none() {
                return;
            }
        }
    });
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
