//! Connections to the stores and brokers of a wiring, and the ports through which a system uses them.
//!
//! A port says what an adapter must do ([`Publisher`], [`Subscriber`]); an adapter translates errors where
//! they happen.
//! A system owns its SQL: its stores are adapters in its app crate, on a [`Database`] from here.
//!
//! Not here: which of these a system uses (its `wiring.rs`), and where they run (the lab's runtimes).
//!
//! Read in this order: `waiting`, `spans`, `database`, `availability`, `tables`, `redis`, `cache`, `events`, `check`, `background`,
//! [`failpoint`].

mod availability;
mod background;
mod cache;
mod check;
mod database;
mod events;
pub mod failpoint;
mod redis;
mod spans;
mod tables;
mod waiting;

pub use background::Background;
pub use cache::{ABSENT_FOR, Cache, CachePolicy, Expiring, FILL_WITHIN, LOCAL_FOR, Stampede, Tiers};
pub use check::Check;
pub use database::{Database, OpenError, POSTGRES_CONNECTIONS, Postgres, Sqlite, TRUSTED_FOR};
pub use events::{
    broadcast::{
        Broadcast, BroadcastMetrics, Channel, Listener, Received, in_process::InProcess,
        kafka::KafkaBroadcast, redis::RedisBroadcast,
    },
    dead_letters::{DeadLetter, DeadLetters},
    event::{Encoded, Event, Headers, MAX_PAYLOAD_BYTES},
    group::Group,
    inline::Inline,
    kafka::{KafkaConsumer, KafkaPublisher},
    memory::{LINGER as MEMORY_LINGER, MemoryPublisher},
    metrics::EventMetrics,
    outbox::{Outbox, OutboxTransaction},
    publisher::{PublishError, Publisher, TopicPublisher},
    subscriber::{Batching, Subscriber},
    topic::{TooLarge, Topic, Unreadable},
};
pub use redis::{ANSWER_WITHIN, AddressError, Redis, RefusedError};
pub use spans::{Statements, TopicSpans};
pub use tables::migrate;
pub use waiting::Waiting;
