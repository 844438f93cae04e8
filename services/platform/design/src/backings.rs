//! The stores, brokers and services of others that a wiring needs.

/// A store, a broker, or a service of another company, that a wiring needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackingNeed {
    /// The name under which processes look it up in their [`ProcessConfig`](crate::ProcessConfig): `database/links`.
    pub role: String,
    /// What it has to be.
    pub kind: BackingKind,
    /// The components whose processes receive its address; the [`EDGE`](crate::EDGE) may be among them.
    pub used_by: Vec<&'static str>,
}

/// The kinds of backing that a runtime knows how to provide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BackingKind {
    /// A database file in the arm's own folder: embedded.
    Sqlite,
    /// A database of its own on the arm's own Postgres server.
    Postgres,
    /// The arm's own Kafka broker.
    Kafka,
    /// The arm's own Redis server.
    Redis,
    /// The arm's own stand-in for a payment provider: the software of another company.
    Provider,
}

impl BackingKind {
    /// Whether it runs in processes of its own. SQLite is a file, and runs within the processes that use it.
    pub fn has_processes(self) -> bool {
        self != Self::Sqlite
    }

    /// The word in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
            Self::Redis => "redis",
            Self::Provider => "provider",
        }
    }
}
