//! The topics of a process: its publishers, its subscribers, and the transports between them.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use backing::{
    Event, EventMetrics, Group, Inline, KafkaConsumer, KafkaPublisher, MemoryPublisher, Publisher,
    Subscriber, Topic, TopicPublisher, TopicSpans,
};
use contract::{Unavailable, Why};
use design::{System, TopicShape, axes::Events};
use prometheus_client::metrics::counter::Counter;

use super::traced::{TracedPublisher, TracedSubscriber};
use crate::Backings;

/// The topics of a process while it is wired.
///
/// The wiring requests publishers and adds subscribers in any order. Afterwards each topic gets its transport.
pub(crate) struct Topics {
    system: &'static System,
    /// The components that this process hosts, and the edge if it hosts that.
    here: Vec<&'static str>,
    /// The value of the axis `events`.
    transport: Events,
    metrics: EventMetrics,
    routes: BTreeMap<&'static str, Route>,
}

/// One topic.
struct Route {
    shape: &'static TopicShape,
    spans: TopicSpans,
    publisher: Arc<LatePublisher>,
    groups: Vec<(&'static str, Group)>,
}

impl Topics {
    /// The topics that the system declares.
    pub(crate) fn new(
        system: &'static System,
        here: Vec<&'static str>,
        backings: &mut Backings,
    ) -> Result<Self> {
        let transport = backings.choice();
        if !system.topics.is_empty() {
            backings.event_metrics = EventMetrics::register(&mut backings.registry);
        }
        let metrics = backings.event_metrics.clone();
        let mut routes = BTreeMap::new();
        for shape in system.topics {
            let receivers = shape.groups.iter().map(|group| group.component);
            let is_involved =
                shape.publishers.iter().copied().chain(receivers).any(|user| here.contains(&user));
            // Other processes do not get the broker's address.
            let spans = match transport {
                Events::Kafka if is_involved => {
                    TopicSpans::of_kafka(&backings.address("events")?, shape.name)
                }
                by => TopicSpans::within(by.name(), shape.name),
            };
            routes.insert(shape.name, Route { shape, spans, publisher: Arc::default(), groups: Vec::new() });
        }
        Ok(Self { system, here, transport, metrics, routes })
    }

    /// The publisher of a topic, for a component or the edge.
    pub(crate) fn publisher<T: Topic>(&mut self, by: &str) -> Result<TopicPublisher<T>> {
        let route = self.route::<T>()?;
        ensure!(
            route.shape.publishers.contains(&by),
            "`{by}` is no publisher of the topic `{}`\nhint: list it in the topic's `publishers` in `system.rs`",
            T::NAME
        );
        let publisher = Arc::clone(&route.publisher);
        Ok(TopicPublisher::new(publisher))
    }

    /// Sets the subscriber of a consumer group.
    pub(crate) fn subscribe<T: Topic>(
        &mut self,
        group: &'static str,
        subscriber: Arc<dyn Subscriber<T>>,
    ) -> Result<()> {
        let (metrics, is_inline) = (self.metrics.clone(), self.transport == Events::Inline);
        let route = self.route::<T>()?;
        ensure!(
            route.shape.groups.iter().any(|declared| declared.name == group),
            "the topic `{}` has no consumer group `{group}`\nhint: list it in the topic's `groups` in `system.rs`",
            T::NAME
        );
        ensure!(
            route.groups.iter().all(|(known, _)| *known != group),
            "the consumer group `{group}` of the topic `{}` has two subscribers",
            T::NAME
        );
        let spans = route.spans.clone().of_group(format!("{}.{group}", T::NAME));
        // Inline events have no spans of their own: the subscriber's calls belong to the request.
        let subscriber =
            if is_inline { subscriber } else { Arc::new(TracedSubscriber { spans, subscriber }) as _ };
        route.groups.push((group, Group::new(group, subscriber, &metrics)));
        Ok(())
    }

    fn route<T: Topic>(&mut self) -> Result<&mut Route> {
        let system = self.system.name;
        let route = self.routes.get_mut(T::NAME).with_context(|| {
            format!("the {system} has no topic `{}`\nhint: list it in `topics` in its `system.rs`", T::NAME)
        })?;
        let declared = route.shape.carries;
        ensure!(
            T::type_name() == declared,
            "the topic `{}` of the {system} carries `{}`, and is declared to carry `{declared}`\nhint: `carries` in `system.rs` names a message of the `.proto` files",
            T::NAME,
            T::type_name()
        );
        Ok(route)
    }

    /// Creates the transport of each topic, and starts the consumers.
    pub(crate) fn connect(self, backings: &mut Backings) -> Result<()> {
        let Self { system, here, transport: by, metrics, routes } = self;
        for (topic, mut route) in routes {
            for declared in route.shape.groups {
                let component = declared.component;
                ensure!(
                    system.components.iter().any(|(known, _)| *known == component),
                    "the consumer group `{}` of the topic `{topic}` is of the component `{component}`, which the {} does not have",
                    declared.name,
                    system.name
                );
                ensure!(
                    route.groups.iter().any(|(known, _)| *known == declared.name),
                    "nobody receives the topic `{topic}` for its consumer group `{}`\nhint: `host.subscribe` it in `wiring.rs`",
                    declared.name
                );
            }
            let late = Arc::clone(&route.publisher);
            let publishes = route.shape.publishers.iter().any(|by| here.contains(by));
            let counter = metrics.published(topic);
            let transport: Arc<dyn Publisher> = match by {
                Events::Kafka => {
                    route.start_consumers(&here, backings)?;
                    if publishes { route.kafka_publisher(counter, backings)? } else { Arc::new(Nowhere) }
                }
                Events::Inline | Events::Memory if !publishes => Arc::new(Nowhere),
                Events::Inline => Arc::new(Inline::new(route.take_groups(), counter)),
                Events::Memory => {
                    let memory = MemoryPublisher::start(route.take_groups(), counter, &backings.background);
                    backings.dead_letters.extend(memory.dead_letters());
                    route.traced(memory)
                }
            };
            late.set(transport);
        }
        Ok(())
    }
}

impl Route {
    fn take_groups(&mut self) -> Vec<Group> {
        std::mem::take(&mut self.groups).into_iter().map(|(_, group)| group).collect()
    }

    fn traced(&self, publisher: impl Publisher + 'static) -> Arc<dyn Publisher> {
        Arc::new(TracedPublisher { spans: self.spans.clone(), publisher: Arc::new(publisher) })
    }

    /// Starts a consumer for each group whose component this process hosts.
    fn start_consumers(&self, here: &[&str], backings: &mut Backings) -> Result<()> {
        for (name, group) in &self.groups {
            let declared = self.shape.groups.iter().find(|declared| declared.name == *name);
            if !declared.is_some_and(|declared| here.contains(&declared.component)) {
                continue;
            }
            let broker = backings.address("events")?;
            let consumer = KafkaConsumer::start(&broker, group.clone(), &backings.background)
                .with_context(|| format!("cannot receive `{}`", group.id()))?;
            backings.dead_letters.push(consumer.dead_letters());
            backings.watches(consumer.check());
        }
        Ok(())
    }

    fn kafka_publisher(&self, counter: Counter, backings: &mut Backings) -> Result<Arc<dyn Publisher>> {
        let groups = self.groups.iter().map(|(_, group)| group.id());
        let publisher = KafkaPublisher::new(&backings.address("events")?, self.shape.name, groups, counter)
            .with_context(|| format!("cannot publish to `{}`", self.shape.name))?;
        backings.watches(publisher.check());
        Ok(self.traced(publisher))
    }
}

/// The publisher that the wiring hands out: it forwards to the topic's transport, which is created later.
#[derive(Default)]
struct LatePublisher(OnceLock<Arc<dyn Publisher>>);

impl LatePublisher {
    fn set(&self, transport: Arc<dyn Publisher>) {
        // It is empty: a process is wired once.
        let _ = self.0.set(transport);
    }

    /// The transport. A background task may publish before it is created.
    fn transport(&self) -> Result<&Arc<dyn Publisher>, Unavailable> {
        self.0.get().ok_or_else(|| Unavailable::new("events", Why::Unreachable))
    }
}

#[async_trait]
impl Publisher for LatePublisher {
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        self.transport()?.publish(event).await
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        self.transport()?.pending().await
    }
}

/// The publisher in processes that host no publisher of the topic.
struct Nowhere;

#[async_trait]
impl Publisher for Nowhere {
    async fn publish(&self, _: Event) -> Result<(), Unavailable> {
        Err(Unavailable::new("events", Why::Broken))
    }

    async fn pending(&self) -> Result<u64, Unavailable> {
        Err(Unavailable::new("events", Why::Broken))
    }
}

#[cfg(test)]
mod tests;
