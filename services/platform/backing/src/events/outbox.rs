//! A transactional outbox: a component publishes events in its own transaction.
//!
//! A component that commits a change and then publishes an event loses the event if the process dies in between. One that
//! publishes first may announce a change that is never committed. (Both are dual writes.) With an outbox the transaction
//! writes the event as a row of the same database, and a relay publishes the row afterwards. It does so at least once: a
//! relay may die between publishing an event and deleting its row.
//! <https://microservices.io/patterns/data/transactional-outbox.html>
//!
//! Read in this order: `table`, `relay`.

mod relay;
mod table;

use std::{marker::PhantomData, sync::Arc};

use async_trait::async_trait;
use contract::Unavailable;
use remote::current;
pub use table::OutboxTransaction;
use tokio::sync::Notify;

use self::{
    relay::Relay,
    table::{Table, tables},
};
use super::{
    dead_letters::{DeadLetter, DeadLetters},
    event::Event,
    metrics::EventMetrics,
    publisher::{PublishError, TopicPublisher},
    topic::{Topic, encode, type_name},
};
use crate::{Background, Database};

/// The name in place of a consumer group for events that could not be published.
const GROUP: &str = "outbox";

/// The outbox of a topic, in a component's database. Cheap to clone.
pub struct Outbox<T> {
    table: Arc<dyn Table>,
    database: Database,
    type_name: Arc<str>,
    /// Notified when a transaction has committed an event.
    written: Arc<Notify>,
    topic: PhantomData<fn() -> T>,
}

impl<T> Clone for Outbox<T> {
    fn clone(&self) -> Self {
        Self {
            table: Arc::clone(&self.table),
            database: self.database.clone(),
            type_name: Arc::clone(&self.type_name),
            written: Arc::clone(&self.written),
            topic: PhantomData,
        }
    }
}

impl<T: Topic> Outbox<T> {
    /// Opens the outbox and creates its tables if necessary. Components that share a database share the tables.
    pub async fn open(database: &Database) -> anyhow::Result<Self> {
        Ok(Self {
            table: tables(database).await?,
            database: database.clone(),
            type_name: type_name::<T>(),
            written: Arc::default(),
            topic: PhantomData,
        })
    }

    /// Publishes an event if and when the transaction commits.
    ///
    /// It MUST be a transaction of the outbox's database. No type checks this: sqlx's transactions do not say which pool they
    /// are from. A transaction of another database fails if that has no table `outbox`; if it has one, its own relay
    /// publishes the event.
    ///
    /// Events of one key keep their order if the transactions that publish them exclude each other, for example by
    /// changing the same row before they publish.
    pub async fn publish(
        &self,
        transaction: &mut impl OutboxTransaction,
        event: Event<T::Payload>,
    ) -> Result<(), PublishError> {
        let mut event = encode::<T>(&self.type_name, event)?;
        // The relay publishes the event outside of this request, but within its trace.
        event.headers.trace =
            current().filter(|context| context.trace.sampled).map(|context| context.trace.header());
        let inserted = transaction.insert(T::NAME, &event).await;
        inserted.map_err(|error| self.database.unavailable(&error))?;
        Ok(())
    }

    /// Wakes the relay of this process, because a transaction with an event has committed.
    ///
    /// Without it, or if another process has the lease, the relay finds the event when it polls, a tenth of a second later at most.
    pub fn committed(&self) {
        self.written.notify_one();
    }

    /// The number of committed events that are not published yet.
    ///
    /// To get the number of all events that are not processed yet, add [`TopicPublisher::pending`], and read it second: an
    /// event that is published in between is counted twice rather than not at all.
    pub async fn pending(&self) -> Result<u64, Unavailable> {
        self.table.waiting(T::NAME).await
    }

    /// Starts a relay in the background. Any number of processes may have one; one of them publishes at a time.
    ///
    /// `holder` names this process among them. One that was killed and is started again under the same name goes on at once;
    /// under another it waits until what it held before has ended, 4 s at most.
    pub fn relay(
        &self,
        publisher: &TopicPublisher<T>,
        holder: &str,
        metrics: &EventMetrics,
        background: &Background,
    ) {
        let (table, written, holder) =
            (Arc::clone(&self.table), Arc::clone(&self.written), holder.to_owned());
        let publisher = publisher.encoded();
        background.start(|stop| Relay::new(T::NAME, table, publisher, holder, metrics, stop).run(written));
    }

    /// The events that the relay could not publish.
    pub fn dead_letters(&self) -> Arc<dyn DeadLetters> {
        let (table, written) = (Arc::clone(&self.table), Arc::clone(&self.written));
        Arc::new(OutboxDeadLetters { topic: T::NAME, table, written })
    }
}

/// The dead letters of an outbox: rows with a reason, which the relay skips.
struct OutboxDeadLetters {
    topic: &'static str,
    table: Arc<dyn Table>,
    written: Arc<Notify>,
}

#[async_trait]
impl DeadLetters for OutboxDeadLetters {
    fn topic(&self) -> &'static str {
        self.topic
    }

    async fn list(&self, most: usize) -> Result<Vec<DeadLetter>, Unavailable> {
        let rows = self.table.dead(self.topic, most).await?;
        let letters = rows.into_iter().map(|(row, reason)| {
            let place = format!("outbox/{}", row.position);
            DeadLetter::of(&row.event, self.topic, GROUP, place, &reason)
        });
        Ok(letters.collect())
    }

    /// Has the relay try the events again, each before those later events of its key that are not published yet.
    async fn replay(&self) -> Result<u64, Unavailable> {
        let revived = self.table.revive(self.topic).await?;
        self.written.notify_one();
        Ok(revived)
    }
}
