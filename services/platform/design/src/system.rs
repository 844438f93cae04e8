//! What a system is made of, as data: the lab plans, draws and explains a system from this alone.

use std::time::Duration;

use crate::Wiring;

/// A system under study: its components, the axes along which it can be built differently, and its wiring.
pub struct System {
    /// The noun that an interviewer would say: `shortener`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Each component's name and what it answers for, in the order in which calls flow.
    pub components: &'static [(&'static str, &'static str)],
    /// Who calls which components: the [`EDGE`], and the components that call others.
    pub calls: &'static [(&'static str, &'static [&'static str])],
    /// Which components share a process; the values of the axis `placement`, the default first.
    pub placements: &'static [Placement],
    /// Every other axis.
    pub axes: &'static [Axis],
    /// The topics of its events. Using an undeclared topic is an error when a process starts.
    pub topics: &'static [TopicShape],
    /// Values that cost so much an operation that they hide what another axis does.
    pub costs: &'static [Cost],
    /// The stores and brokers that a wiring needs.
    pub backings: fn(&Wiring) -> Vec<BackingNeed>,
    /// Whether a component keeps in its process's memory what it promises by: another process of the kind would not
    /// know of it, so there are exactly as many as the wiring says, also where a cluster could run more.
    pub keeps: fn(&Wiring, &str) -> bool,
    /// Why two values cannot go together, if they cannot.
    pub conflict: fn(&Wiring) -> Option<String>,
    /// Requests that a newcomer can paste, with `{url}` for the public address: a title and a command line.
    pub examples: &'static [(&'static str, &'static str)],
    /// What a wiring would do with arrivals, worked out by the system's pure logic; none where nothing can be drawn
    /// without running it.
    pub rehearse: Option<Rehearse>,
}

/// The public API among the callers of components.
pub const EDGE: &str = "edge";

/// Works out when each arrival passes; `None` for one that is refused.
pub type Rehearse = fn(&Wiring, &Arrivals<'_>) -> Vec<Option<Duration>>;

/// Arrivals of one client, to be worked out against a line that it may not cross.
#[derive(Clone, Copy, Debug)]
pub struct Arrivals<'a> {
    /// How many may pass in each window.
    pub requests: u32,
    /// The window.
    pub window: Duration,
    /// When each arrives, ascending, from the start.
    pub at: &'a [Duration],
}

/// One value of the axis `placement`.
pub struct Placement {
    /// The value: `monolith`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The processes, the one with the edge first.
    pub processes: &'static [ProcessShape],
}

/// One process of a placement.
pub struct ProcessShape {
    /// Unique within the placement: `gateway`.
    pub name: &'static str,
    /// Whether it serves the system's public API.
    pub edge: bool,
    /// The components that it hosts.
    pub components: &'static [&'static str],
    /// How many of it there may be.
    pub copies: Copies,
    /// The value of an axis without which there is no such process, if it takes one.
    pub only_where: Option<(&'static str, &'static str)>,
}

/// How many of a process there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copies {
    /// As many as the axis `replicas` says.
    AsReplicas,
    /// One, whatever `replicas` says; a cluster, which balances for those who call, may run several where the system
    /// [`keeps`](System::keeps) nothing in it.
    OneHere,
}

impl ProcessShape {
    /// The process with the edge.
    pub const fn edge(name: &'static str, components: &'static [&'static str]) -> Self {
        Self { name, edge: true, components, copies: Copies::OneHere, only_where: None }
    }

    /// A process behind the edge, with as many copies as `replicas` says.
    pub const fn behind(name: &'static str, components: &'static [&'static str]) -> Self {
        Self { name, edge: false, components, copies: Copies::AsReplicas, only_where: None }
    }

    /// So many of it.
    #[must_use]
    pub const fn copies(self, copies: Copies) -> Self {
        Self { copies, ..self }
    }

    /// It is there only where an axis has this value.
    #[must_use]
    pub const fn only_where(self, axis: &'static str, value: &'static str) -> Self {
        Self { only_where: Some((axis, value)), ..self }
    }
}

/// The declaration of a topic: its payload type, its publishers and its consumer groups.
#[derive(Debug)]
pub struct TopicShape {
    /// Unique within the system: `clicks`.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// The payload type: the full name of a message in a `.proto` file, `lab.shortener.v1.Clicked`.
    pub carries: &'static str,
    /// The publishers: components, and the [`EDGE`].
    pub publishers: &'static [&'static str],
    /// The consumer groups. Each receives every event.
    pub groups: &'static [ConsumerGroup],
}

/// A consumer group of a topic: one of its members processes each event.
#[derive(Debug)]
pub struct ConsumerGroup {
    /// Unique within the topic: `tallying`.
    pub name: &'static str,
    /// The component that processes the events. Its processes are the members if events come from a log.
    pub component: &'static str,
}

/// One dimension of a wiring.
pub struct Axis {
    /// The word in a scenario file: `cache`.
    pub name: &'static str,
    /// The question that the axis answers, one sentence.
    pub summary: &'static str,
    /// The values, the default first.
    pub values: &'static [Value],
    /// What else is a value.
    pub accepts: Accepts,
}

/// Whether an axis has values beyond its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Only the listed ones.
    Listed,
    /// Also a share between 0 and 1, such as `0.01`.
    Share,
}

/// One value of an axis.
pub struct Value {
    /// The word in a scenario file.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// A negative control is known to break a promise, and why; the ledger or the figures have to show it.
    pub control: Option<&'static str>,
}

impl Value {
    /// A value that keeps the system's promises.
    pub const fn new(name: &'static str, summary: &'static str) -> Self {
        Self { name, summary, control: None }
    }

    /// A negative control: `breaks` says which promise it breaks and when.
    pub const fn control(name: &'static str, summary: &'static str, breaks: &'static str) -> Self {
        Self { name, summary, control: Some(breaks) }
    }
}

/// Names axes: what stands above one is its question.
///
/// ```ignore
/// axes! {
///     /// How does one process call another?
///     pub TRANSPORT = "transport" {
///         "http" => "JSON over HTTP/1.1 with keep-alive",
///         "grpc" => "protobuf over HTTP/2",
///     }
/// }
/// ```
///
/// The first value is the default. A negative control says after `but` which promise it breaks; an axis that takes more
/// than is listed is `"tracing" accepts Share`, as [`Accepts`](crate::Accepts) has it.
#[macro_export]
macro_rules! axes {
    ($( $(#[doc = $question:literal])+ $shown:vis $axis:ident = $name:literal $(accepts $accepts:ident)? {
        $( $value:literal => $summary:literal $(but $breaks:literal)?, )+
    } )+) => { $(
        $(#[doc = $question])+
        $shown const $axis: $crate::Axis = $crate::Axis {
            name: $name,
            summary: concat!($($question),+).trim_ascii(),
            values: &[ $( $crate::axes!(@value $value, $summary $(, $breaks)?) ),+ ],
            accepts: $crate::axes!(@accepts $($accepts)?),
        };
    )+ };
    (@value $value:literal, $summary:literal) => { $crate::Value::new($value, $summary) };
    (@value $value:literal, $summary:literal, $breaks:literal) => {
        $crate::Value::control($value, $summary, $breaks)
    };
    (@accepts) => { $crate::Accepts::Listed };
    (@accepts $accepts:ident) => { $crate::Accepts::$accepts };
}

/// What a value costs an operation, where that is more than most questions are about.
pub struct Cost {
    /// The axis: `events`.
    pub axis: &'static str,
    /// The value that costs: `inline`.
    pub value: &'static str,
    /// The operations that pay, as the generator calls them: `follow`.
    pub operations: &'static [&'static str],
    /// What each of them pays, a clause: `waits until its click is written to the store`.
    pub pays: &'static str,
    /// The value of the axis that does without.
    pub without: &'static str,
}

/// A store or broker that a wiring needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackingNeed {
    /// The name under which processes look it up in their [`HostFile`](crate::HostFile): `database/links`.
    pub role: String,
    /// What it has to be.
    pub kind: BackingKind,
    /// The components whose processes receive its address; empty: every process.
    pub used_by: Vec<&'static str>,
    /// Whether the process with the edge receives it too.
    pub edge: bool,
}

impl BackingNeed {
    /// A store for these components.
    pub fn new(role: impl Into<String>, kind: BackingKind, used_by: &[&'static str]) -> Self {
        Self { role: role.into(), kind, used_by: used_by.to_vec(), edge: false }
    }

    /// What the axis `database` needs: one for all of these components, or one for each, as the axis `ownership` says.
    pub fn databases(wiring: &Wiring, used_by: &[&'static str]) -> Vec<Self> {
        let kind = match wiring.get("database") {
            "postgres" => BackingKind::Postgres,
            _ => BackingKind::Sqlite,
        };
        match wiring.get("ownership") {
            "per-service" => {
                used_by.iter().map(|user| Self::new(format!("database/{user}"), kind, &[user])).collect()
            }
            _ => vec![Self::new("database", kind, used_by)],
        }
    }

    /// What the axis `cache` needs for this component.
    pub fn cache(wiring: &Wiring, used_by: &'static str) -> Option<Self> {
        let shared = matches!(wiring.get("cache"), "redis" | "tiered");
        shared.then(|| Self::new("cache", BackingKind::Redis, &[used_by]))
    }

    /// The broker that the axis `events` needs for the system's topics: for all publishers and consumer groups.
    pub fn events(wiring: &Wiring) -> Option<Self> {
        let topics = wiring.system().topics;
        let publishers = topics.iter().flat_map(|topic| topic.publishers).copied();
        let receivers = topics.iter().flat_map(|topic| topic.groups).map(|group| group.component);
        let mut used_by: Vec<_> = publishers.chain(receivers).collect();
        let edge = used_by.contains(&EDGE);
        used_by.retain(|user| *user != EDGE);
        used_by.sort_unstable();
        used_by.dedup();
        let broker = wiring.get("events") == "kafka" && !topics.is_empty();
        broker.then(|| Self { edge, ..Self::new("events", BackingKind::Kafka, &used_by) })
    }
}

/// The kinds of backing that a runtime knows how to provide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BackingKind {
    /// A database file in the arm's own folder: embedded.
    Sqlite,
    /// A database of its own on the arm's own Postgres server.
    Postgres,
    /// The arm's own Kafka broker.
    Kafka,
    /// The arm's own Redis server.
    Redis,
}

impl BackingKind {
    /// The word in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Kafka => "kafka",
            Self::Redis => "redis",
        }
    }
}

impl System {
    /// The axis of that name; `placement` is not among them.
    pub fn axis(&self, name: &str) -> Option<&'static Axis> {
        self.axes.iter().find(|axis| axis.name == name)
    }

    /// The topic of that name.
    pub fn topic(&self, name: &str) -> Option<&'static TopicShape> {
        self.topics.iter().find(|topic| topic.name == name)
    }

    /// The placement of that name.
    pub fn placement(&self, name: &str) -> Option<&'static Placement> {
        self.placements.iter().find(|placement| placement.name == name)
    }

    /// Every axis name, `placement` first.
    pub fn axis_names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once("placement").chain(self.axes.iter().map(|axis| axis.name))
    }

    /// The values of an axis, the default first; empty for an unknown axis.
    pub fn values(&self, axis: &str) -> Vec<&'static str> {
        if axis == "placement" {
            return self.placements.iter().map(|value| value.name).collect();
        }
        self.axis(axis).map(|axis| axis.values.iter().map(|value| value.name).collect()).unwrap_or_default()
    }
}
