//! A topic of the broker, which has to exist before it is consumed or published to.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    producer::{BaseProducer, Producer},
};
use tokio::{sync::Mutex, time::sleep};

use super::client;
use crate::waiting::ThrottledLog;

/// The time limit for a request about a topic, or for creating one.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(200);
/// The number of partitions: at most this many members of a group share the topic. Each partition is ordered.
const PARTITIONS: i32 = 4;
/// The broker's default number of replicas.
const REPLICATION: TopicReplication<'_> = TopicReplication::Fixed(-1);

/// A topic of the broker at an address. Cheap to clone.
#[derive(Clone)]
pub(in crate::events) struct KafkaTopic {
    address: Arc<str>,
    name: &'static str,
    /// A client for requests about the topic; created when first used, because it has threads of its own.
    asking: Arc<Mutex<Option<BaseConsumer>>>,
}

impl KafkaTopic {
    pub(in crate::events) fn new(address: &str, name: &'static str) -> Self {
        Self { address: address.into(), name, asking: Arc::default() }
    }

    /// Whether the broker answers and has the topic. The request does not create it.
    pub(in crate::events) async fn is_there(&self) -> bool {
        let mut asking = Arc::clone(&self.asking).lock_owned().await;
        let (address, name) = (Arc::clone(&self.address), self.name);
        // The client blocks its thread while it waits for the broker.
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

    /// Creates the topic if necessary; returns when it exists, however long the broker takes.
    pub(in crate::events) async fn ensure(&self) {
        let mut log = ThrottledLog::default();
        loop {
            if let Err(error) = self.make().await {
                log.waiting_for(&format!("the topic `{}`", self.name), &error);
            }
            if self.is_there().await {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// Creates the topic; an existing one stays as it is.
    async fn make(&self) -> Result<(), KafkaError> {
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

    /// The embedded broker does not support the request that creates topics; it creates one when a producer requests its
    /// metadata.
    fn make_by_asking(&self) -> Result<(), KafkaError> {
        let asking: BaseProducer = client(&self.address).create()?;
        asking.client().fetch_metadata(Some(self.name), ANSWER_WITHIN).map(drop)
    }
}
