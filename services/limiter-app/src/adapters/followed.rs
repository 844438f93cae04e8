//! Polling of the policies by a process that decides.

use std::{sync::Arc, time::Duration};

use limiter::{DecisionService, Known, Policies};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// The poll interval; a change takes effect everywhere within half a second.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Polls the policies and passes every change to a service, until cancelled.
///
/// While polling fails, the last policies stay in force.
pub(crate) async fn follow(
    service: Arc<DecisionService>,
    policies: Arc<dyn Policies>,
    stop: CancellationToken,
) {
    let following = async {
        let mut asked = Ok::<(), limiter::PolicyError>(());
        loop {
            let known = Known { version: service.version() };
            let answer = policies.current(known).await;
            if let (Ok(()), Err(error)) = (&asked, &answer) {
                tracing::warn!(%error, "the policies cannot be asked for; the last ones stay in force");
            }
            asked = answer.map(|update| update.into_iter().for_each(|set| service.set_policies(set)));
            sleep(LOOK_EVERY).await;
        }
    };
    stop.run_until_cancelled(following).await;
}
