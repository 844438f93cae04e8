//! A topic that has to be there before anybody follows it or publishes to it.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    producer::{BaseProducer, Producer},
};
use tokio::sync::Mutex;

use super::client;

/// How long the broker may take to answer a question about a topic, or to make one.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How many consumers of a group can share a topic's events; each partition keeps its order.
const PARTITIONS: i32 = 4;
/// As many copies as the broker is configured to keep.
const REPLICATION: TopicReplication<'_> = TopicReplication::Fixed(-1);

/// A topic of the broker at an address. Cheap to clone.
#[derive(Clone)]
pub(super) struct Topic {
    address: Arc<str>,
    name: &'static str,
    /// Asks the broker; made when first used, because it has threads of its own.
    asking: Arc<Mutex<Option<BaseConsumer>>>,
}

impl Topic {
    pub(super) fn new(address: &str, name: &'static str) -> Self {
        Self { address: address.into(), name, asking: Arc::default() }
    }

    /// Whether the broker answers and has the topic; asking does not make it.
    pub(super) async fn is_there(&self) -> bool {
        let mut asking = Arc::clone(&self.asking).lock_owned().await;
        let (address, name) = (Arc::clone(&self.address), self.name);
        // The client waits for the broker by blocking its thread.
        let asked = tokio::task::spawn_blocking(move || -> Result<bool, KafkaError> {
            let client = match &*asking {
                Some(client) => client,
                None => asking.insert(client(&address).create()?),
            };
            let metadata = client.fetch_metadata(Some(name), ANSWER_WITHIN)?;
            Ok(metadata.topics().iter().any(|found| found.name() == name && !found.partitions().is_empty()))
        });
        matches!(asked.await, Ok(Ok(true)))
    }

    /// Has the topic made; one that is there stays as it is.
    pub(super) async fn make(&self) -> Result<(), KafkaError> {
        let admin: AdminClient<DefaultClientContext> = client(&self.address).create()?;
        let options =
            AdminOptions::new().request_timeout(Some(ANSWER_WITHIN)).operation_timeout(Some(ANSWER_WITHIN));
        let made = admin.create_topics(&[NewTopic::new(self.name, PARTITIONS, REPLICATION)], &options).await;
        if made.is_ok() {
            return Ok(());
        }
        let topic = self.clone();
        tokio::task::spawn_blocking(move || topic.make_by_asking()).await.unwrap_or(Err(KafkaError::Canceled))
    }

    /// A broker that cannot be told to make topics, as the embedded one, makes them when a producer asks for them.
    fn make_by_asking(&self) -> Result<(), KafkaError> {
        let asking: BaseProducer = client(&self.address).create()?;
        asking.client().fetch_metadata(Some(self.name), ANSWER_WITHIN).map(drop)
    }
}
