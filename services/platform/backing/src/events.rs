//! Events: facts that follow from what was done, on their way to those who take an effect from them.
//!
//! A topic carries facts of one type of a contract ([`Topic`]). Publishers write to it ([`TopicPublisher`]), and each of
//! its consumer groups ([`Group`]) takes the effect of every event ([`Subscriber`]).
//! There are three transports, the values of the axis `events`: within the request ([`inline`]), through a buffer in the
//! process ([`memory`]), through Kafka ([`kafka`]). Whichever it is, an event may arrive more than once:
//! a subscriber MUST be idempotent by event id.
//!
//! A component publishes within its own transaction through an outbox ([`outbox`]).
//! What a group cannot process is put aside with the reason, and holds nothing else up ([`dead_letters`]).
//!
//! Read in this order: `event`, `topic`, `publisher`, `subscriber`, `group`, `processing`, `dead_letters`, `inline`,
//! `memory`, `kafka`, `outbox`, `metrics`; and `broadcast`, which keeps nothing and reaches everybody.
//!
//! [`Topic`]: topic::Topic
//! [`TopicPublisher`]: publisher::TopicPublisher
//! [`Group`]: group::Group
//! [`Subscriber`]: subscriber::Subscriber

pub(crate) mod broadcast;
pub(crate) mod dead_letters;
pub(crate) mod event;
#[cfg(test)]
mod example;
pub(crate) mod group;
pub(crate) mod inline;
pub(crate) mod kafka;
pub(crate) mod memory;
pub(crate) mod metrics;
pub(crate) mod outbox;
mod processing;
pub(crate) mod publisher;
pub(crate) mod subscriber;
pub(crate) mod topic;
