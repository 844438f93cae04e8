//! What a system is made of, as data: the lab plans, draws and explains a system from this alone.
//!
//! `wiring` and `paths` are below this module because each needs the other: a wiring is of a system, whose rules judge
//! wirings.

mod paths;
mod wiring;

use std::time::Duration;

pub use self::{
    paths::PathOwner,
    wiring::{Wiring, WiringError},
};
use crate::{Axis, Choice, Limits};

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
    /// Every other axis: those of the platform that it takes, and its own.
    pub axes: &'static [Axis],
    /// The topics of its events. Using an undeclared topic is an error when a process starts.
    pub topics: &'static [TopicShape],
    /// Who uses the stores that values of these axes need. The broker of events is used by those whom `topics` names.
    pub backings: &'static [Backing],
    /// Requests that a newcomer can paste, with `{url}` for the public address: a title and a command line.
    pub examples: &'static [(&'static str, &'static str)],
    /// Whatever else it says of its wirings; [`NoRules`] if that is nothing.
    pub rules: &'static dyn Rules,
}

/// What a system says of its wirings beyond data. Every method has a default, for a system that says nothing.
pub trait Rules: Sync {
    /// Values that cost so much an operation that they hide what another axis does.
    fn costs(&self) -> &'static [Cost] {
        &[]
    }

    /// Whether a component keeps in its process's memory what it promises by: another process of the kind would not
    /// know of it, so there are exactly as many as the wiring says, also where a cluster could run more.
    fn keeps(&self, wiring: &Wiring, component: &str) -> bool {
        let _ = (wiring, component);
        false
    }

    /// The wirings that a drill breaks, the plainest first; without any, each placement with the defaults.
    ///
    /// Of two wirings that share a part, the first is the one whose part is broken in the quick form.
    fn drills(&self) -> &'static [DrillWiring] {
        &[]
    }

    /// Why two values cannot go together, if they cannot.
    fn conflict(&self, wiring: &Wiring) -> Option<String> {
        wiring.nothing_to_copy()
    }

    /// Whether a component, or the [`EDGE`], calls a component of its `calls` in this wiring: a system whose axes choose
    /// who calls whom says it here.
    fn calls(&self, wiring: &Wiring, by: &str, callee: &str) -> bool {
        let _ = (wiring, by, callee);
        true
    }

    /// Which paths of the public API belong to which component, where each process serves those of its own components at a
    /// public address of its own; empty where one process, with the [`EDGE`], serves all of them.
    ///
    /// A route of such a part may use the components of its own process alone, and neither backings nor topics of the
    /// [`EDGE`]: no process has these.
    fn paths(&self, wiring: &Wiring) -> &'static [PathOwner] {
        let _ = wiring;
        &[]
    }

    /// The limits of a process: the given ones, unless the system knows what the process can do in time.
    fn limits(&self, wiring: &Wiring, process: &ProcessShape, limits: Limits) -> Limits {
        let _ = (wiring, process);
        limits
    }

    /// The steps of a transaction that is cut into several, each with what compensates it, for the drawing of `lab show`.
    fn saga(&self) -> &'static [SagaStep] {
        &[]
    }

    /// What the stand-in for a payment provider does in a wiring, in TOML: the script of the crate `payment-provider`.
    /// Without any it does nothing wrong, and is quick.
    fn provider_script(&self, wiring: &Wiring) -> &'static str {
        let _ = wiring;
        ""
    }

    /// What a wiring would do with arrivals, worked out by the system's pure logic: when each passes, `None` for one that
    /// is refused. `None` for all where nothing can be drawn without running it.
    fn rehearse(&self, wiring: &Wiring, arrivals: &Arrivals<'_>) -> Option<Vec<Option<Duration>>> {
        let _ = (wiring, arrivals);
        None
    }
}

/// A step of a saga.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SagaStep {
    /// The command that takes it.
    pub command: &'static str,
    /// The component that takes it.
    pub participant: &'static str,
    /// The command that compensates it.
    pub compensation: &'static str,
    /// Whether the saga does not turn back by itself after this step.
    pub is_pivot: bool,
}

/// A system without rules.
pub struct NoRules;

impl Rules for NoRules {}

/// A wiring that a drill breaks.
#[derive(Clone, Copy, Debug)]
pub struct DrillWiring {
    /// Its name in the table: `microservices, PostgreSQL`.
    pub name: &'static str,
    /// The values that are not the defaults, by axis. A value that is a negative control is expected to be caught.
    pub values: &'static [(&'static str, &'static str)],
}

/// The public API among the callers of components.
pub const EDGE: &str = "edge";

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
    /// Whether it serves the system's public API, where one process serves [all of it](Rules::paths).
    pub edge: bool,
    /// The components that it hosts.
    pub components: &'static [&'static str],
    /// How many of it there may be.
    pub replicas: ReplicaCount,
    /// Whether a wiring has it.
    pub is_there: fn(&Wiring) -> bool,
}

/// How many of a process there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaCount {
    /// As many as the axis `replicas` says.
    ByAxis,
    /// One, whatever `replicas` says; a cluster, which balances for those who call, may run several where the system
    /// [`keeps`](Rules::keeps) nothing in it.
    One,
}

impl ProcessShape {
    /// The process with the edge.
    pub const fn edge(name: &'static str, components: &'static [&'static str]) -> Self {
        Self { name, edge: true, components, replicas: ReplicaCount::One, is_there: always }
    }

    /// A process behind the edge, with as many replicas as `replicas` says.
    pub const fn behind(name: &'static str, components: &'static [&'static str]) -> Self {
        Self { name, edge: false, components, replicas: ReplicaCount::ByAxis, is_there: always }
    }

    /// So many of it.
    #[must_use]
    pub const fn replicas(self, replicas: ReplicaCount) -> Self {
        Self { replicas, ..self }
    }

    /// It is there only where this holds of the wiring: `|wiring| wiring.is(State::Service)`.
    #[must_use]
    pub const fn only_where(self, is_there: fn(&Wiring) -> bool) -> Self {
        Self { is_there, ..self }
    }
}

fn always(_: &Wiring) -> bool {
    true
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

/// A store that some values of an axis need, and who uses it.
pub struct Backing {
    /// The axis, in whose table each value says what it needs.
    pub axis: &'static str,
    /// The name under which processes look it up.
    pub role: &'static str,
    /// The components whose processes receive its address; the [`EDGE`] may be among them.
    pub used_by: &'static [&'static str],
}

impl Backing {
    /// What the values of an axis need, under the axis's name.
    pub const fn of<C: Choice>(used_by: &'static [&'static str]) -> Self {
        let axis = C::AXIS.name;
        Self { axis, role: axis, used_by }
    }

    /// The same under another name.
    #[must_use]
    pub const fn called(self, role: &'static str) -> Self {
        Self { role, ..self }
    }
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

impl System {
    /// The axis of that name; `placement` is not among them.
    pub fn axis(&self, name: &str) -> Option<&'static Axis> {
        self.axes.iter().find(|axis| axis.name == name)
    }

    /// Whoever publishes or receives events, in the order in which the topics name them: components, and the [`EDGE`].
    pub fn event_users(&self) -> Vec<&'static str> {
        let mut users = Vec::new();
        for topic in self.topics {
            let receivers = topic.groups.iter().map(|group| group.component);
            for user in topic.publishers.iter().copied().chain(receivers) {
                if !users.contains(&user) {
                    users.push(user);
                }
            }
        }
        users
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
