//! Outboxes of the components that a process hosts.

use anyhow::Result;
use backing::{Outbox, Topic, TopicPublisher};

use crate::Backings;

impl Backings {
    /// The outbox of a topic in a component's database, to publish events within its transactions.
    pub async fn outbox<T: Topic>(&mut self, component: &str) -> Result<Outbox<T>> {
        let database = self.database(component).await?;
        Outbox::open(&database).await
    }

    /// Starts a relay that publishes the events of an outbox, and lists its dead letters.
    pub fn relay<T: Topic>(&mut self, outbox: &Outbox<T>, publisher: &TopicPublisher<T>) {
        outbox.relay(publisher, &self.identity, &self.event_metrics, &self.background);
        self.dead_letters.push(outbox.dead_letters());
    }
}
