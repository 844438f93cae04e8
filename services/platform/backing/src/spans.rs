//! Spans of calls to stores and brokers, by OpenTelemetry's semantic conventions for
//! [databases](https://opentelemetry.io/docs/specs/semconv/database/) and
//! [messaging](https://opentelemetry.io/docs/specs/semconv/messaging/).
//!
//! Only a sampled operation makes spans; every other call pays for one look at the operation's context.

mod statements;

use std::sync::Arc;

use opentelemetry::{KeyValue, StringValue, trace::SpanKind};
use remote::{Described, OpenSpan};
pub use statements::Statements;

/// The attributes that all spans of one store share. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Server(Arc<[KeyValue]>);

impl Server {
    /// `system` is the database's name in the conventions (`sqlite`, `postgresql`, `redis`); `namespace` is
    /// the database or file within it; `place` is the host and port of a remote server.
    pub(crate) fn new(system: &'static str, namespace: String, place: Option<(String, u16)>) -> Self {
        let mut all = vec![KeyValue::new("db.system.name", system), KeyValue::new("db.namespace", namespace)];
        all.extend(place.into_iter().flat_map(at));
        Self(all.into())
    }

    /// Starts the span of a call; `None` if the operation is not sampled.
    pub(crate) fn call<'a>(&self, describe: impl FnOnce() -> Summary<'a>) -> Option<OpenSpan> {
        OpenSpan::begin(|| {
            let Summary { operation, text, own } = describe();
            let mut attributes = self.0.to_vec();
            attributes.push(KeyValue::new("db.operation.name", operation.to_owned()));
            attributes.push(KeyValue::new("db.query.summary", text.clone()));
            attributes.extend(own);
            (text, SpanKind::Client, attributes)
        })
    }
}

/// What a call does, in a bounded number of distinct texts.
pub(crate) struct Summary<'a> {
    /// The operation's name: `SELECT`, `GET`.
    pub(crate) operation: &'a str,
    /// The span's name: the operation and its target, `SELECT links`.
    pub(crate) text: String,
    /// Further attributes.
    pub(crate) own: Vec<KeyValue>,
}

/// The attributes that all spans of one topic share. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TopicSpans {
    name: Arc<str>,
    attributes: Arc<[KeyValue]>,
    group: Option<KeyValue>,
}

impl TopicSpans {
    /// A topic of the broker at `kafka://HOST:PORT`.
    pub fn of_kafka(address: &str, name: &str) -> Self {
        let first = address.trim_start_matches("kafka://").split(',').next().unwrap_or_default();
        let place =
            first.rsplit_once(':').and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)));
        Self::new("kafka", name, place)
    }

    /// A topic within this process; the conventions have no name for such a system.
    pub fn within(system: &str, name: &str) -> Self {
        Self::new(system, name, None)
    }

    /// The same topic as a consumer group with this id consumes it.
    #[must_use]
    pub fn of_group(self, id: String) -> Self {
        Self { group: Some(KeyValue::new("messaging.consumer.group.name", id)), ..self }
    }

    fn new(system: &str, name: &str, place: Option<(String, u16)>) -> Self {
        let mut all = vec![
            KeyValue::new("messaging.system", system.to_owned()),
            KeyValue::new("messaging.destination.name", name.to_owned()),
        ];
        all.extend(place.into_iter().flat_map(at));
        Self { name: name.into(), attributes: all.into(), group: None }
    }

    /// The span of publishing an event.
    pub fn send(&self, id: u128) -> Described {
        let id = KeyValue::new("messaging.message.id", format!("{id:032x}"));
        self.describe("send", SpanKind::Producer, [id])
    }

    /// The span of processing a batch of events.
    pub fn process(&self, events: usize) -> Described {
        let batch = i64::try_from(events).unwrap_or(i64::MAX);
        let batch = KeyValue::new("messaging.batch.message_count", batch);
        self.describe("process", SpanKind::Consumer, self.group.clone().into_iter().chain([batch]))
    }

    fn describe(
        &self,
        operation: &'static str,
        kind: SpanKind,
        own: impl IntoIterator<Item = KeyValue>,
    ) -> Described {
        let mut attributes = self.attributes.to_vec();
        attributes.push(KeyValue::new("messaging.operation.name", operation));
        attributes.push(KeyValue::new("messaging.operation.type", operation));
        attributes.extend(own);
        (format!("{operation} {}", self.name), kind, attributes)
    }
}

fn at((host, port): (String, u16)) -> [KeyValue; 2] {
    [KeyValue::new("server.address", StringValue::from(host)), KeyValue::new("server.port", i64::from(port))]
}
