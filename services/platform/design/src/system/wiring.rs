//! A wiring: a value for every axis of a system, one complete way to build it.

use std::{collections::BTreeMap, fmt};

use crate::{
    Axis, Backing, BackingKind, BackingNeed, Choice, Limits, Placement, ProcessShape, ReplicaCount, System,
    TopicShape, Value,
    axes::{
        AttemptLimit, Balancing, Cache, Database, Events, LayerOrder, Ownership, Replicas, Resilience,
        Stampede, TimeToLive, Transport,
    },
    nearest,
};

/// A value for every axis of a system: one configuration of it. Invariant: every value is one that its axis accepts.
#[derive(Clone)]
pub struct Wiring {
    system: &'static System,
    placement: &'static Placement,
    values: BTreeMap<&'static str, String>,
}

/// Why a wiring cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WiringError {
    /// The system has no such axis.
    #[error("`{system}` has no axis `{axis}`\nhint: {}", did_you_mean(.axis, .known))]
    UnknownAxis {
        /// The system.
        system: &'static str,
        /// What was asked for.
        axis: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The axis has no such value.
    #[error("the axis `{axis}` has no value `{value}`\nhint: {}", did_you_mean(.value, .known))]
    UnknownValue {
        /// The axis.
        axis: String,
        /// What was asked for.
        value: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// Two values that cannot go together.
    #[error("this wiring cannot be built: {0}")]
    Conflict(String),
}

fn did_you_mean(word: &str, known: &[&str]) -> String {
    let all = known.join("`, `");
    nearest(word, known.iter().copied()).map_or_else(
        || format!("there is `{all}`"),
        |near| format!("did you mean `{near}`? there is `{all}`"),
    )
}

impl Wiring {
    /// Every axis at its default.
    pub fn defaults(system: &'static System) -> Self {
        Self {
            system,
            placement: &system.placements[0],
            values: system.axes.iter().map(|axis| (axis.name, axis.values[0].name.to_owned())).collect(),
        }
    }

    /// Every axis at its default but those given.
    pub fn with<'a>(
        system: &'static System,
        choices: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, WiringError> {
        let mut wiring = Self::defaults(system);
        for (axis, value) in choices {
            wiring.set(axis, value)?;
        }
        Ok(wiring)
    }

    /// Chooses a value.
    pub fn set(&mut self, axis: &str, value: &str) -> Result<(), WiringError> {
        let unknown_value = || WiringError::UnknownValue {
            axis: axis.to_owned(),
            value: value.to_owned(),
            known: self.system.values(axis),
        };
        if axis == "placement" {
            self.placement = self.system.placement(value).ok_or_else(unknown_value)?;
            return Ok(());
        }
        let known = self.system.axis(axis).ok_or_else(|| WiringError::UnknownAxis {
            system: self.system.name,
            axis: axis.to_owned(),
            known: self.system.axis_names().collect(),
        })?;
        (known.parse)(value).ok_or_else(unknown_value)?;
        self.values.insert(known.name, value.to_owned());
        Ok(())
    }

    /// Refuses values that cannot go together.
    pub fn check(&self) -> Result<(), WiringError> {
        self.system.rules.conflict(self).map_or(Ok(()), |why| Err(WiringError::Conflict(why)))
    }

    /// Why `replicas` means nothing in its placement, if it asks for replicas and there is nothing to replicate.
    pub fn nothing_to_copy(&self) -> Option<String> {
        let replicas = self.processes().any(|process| process.replicas == ReplicaCount::ByAxis);
        (!self.is(Replicas::One) && !replicas).then(|| {
            let placement = self.placement.name;
            format!("`replicas` applies to processes without the edge, and in `{placement}` there is none")
        })
    }

    /// Why an axis changes nothing here, and the axis and value with which it would, if it changes nothing.
    pub fn without_effect(&self, axis: &str) -> Option<(&'static str, (&'static str, &'static str))> {
        let is = |one: &[Axis]| one.iter().any(|known| known.name == axis);
        let is_whole = self.processes().count() == 1;
        let is_single = || self.processes().all(|process| self.replicas(process) == 1);
        let apart = ("placement", "microservices");
        if is(&[Stampede::AXIS, TimeToLive::AXIS]) && self.is(Cache::None) {
            Some(("there is no cache", (Cache::AXIS.name, Cache::Local.name())))
        } else if is(&[Transport::AXIS, Resilience::AXIS, LayerOrder::AXIS, AttemptLimit::AXIS]) && is_whole {
            Some(("one process calls no other", apart))
        } else if is(&[AttemptLimit::AXIS]) && self.is(Resilience::None) {
            Some(("an attempt has no limit of its own", (Resilience::AXIS.name, Resilience::Timeout.name())))
        } else if is(&[LayerOrder::AXIS]) && (self.is(Resilience::None) || self.is(Resilience::Timeout)) {
            Some(("there is neither a retry nor a breaker", (Resilience::AXIS.name, Resilience::Full.name())))
        } else if is(&[Balancing::AXIS]) && is_whole {
            Some(("there is one process, and no replica to choose from", apart))
        } else if is(&[Balancing::AXIS]) && is_single() {
            Some(("there is one of each process", (Replicas::AXIS.name, Replicas::Two.name())))
        } else {
            None
        }
    }

    /// The system that this is a wiring of.
    pub fn system(&self) -> &'static System {
        self.system
    }

    /// Which components share a process.
    pub fn placement(&self) -> &'static Placement {
        self.placement
    }

    /// The processes that its placement has where the other axes are as they are, one that serves the public API first.
    pub fn processes(&self) -> impl Iterator<Item = &'static ProcessShape> {
        self.placement.processes.iter().filter(move |shape| (shape.is_there)(self))
    }

    /// How many replicas of a process there are.
    pub fn replicas(&self, shape: &ProcessShape) -> u32 {
        match shape.replicas {
            ReplicaCount::ByAxis => self.choice::<Replicas>().count(),
            ReplicaCount::One => 1,
        }
    }

    /// The limits of a process, by its name, as the system adjusts the given ones.
    pub fn limits(&self, process: &str, limits: Limits) -> Limits {
        let shape = self.processes().find(|shape| shape.name == process);
        shape.map_or(limits, |shape| self.system.rules.limits(self, shape, limits))
    }

    /// The components that a process's own components, or its edge, call.
    pub fn calls_of(&self, shape: &ProcessShape) -> Vec<&'static str> {
        let callers = self.system.calls.iter().filter(|(caller, _)| self.hosts(shape, caller));
        callers
            .flat_map(|(caller, callees)| callees.iter().map(move |callee| (caller, *callee)))
            .filter(|(caller, callee)| self.system.rules.calls(self, caller, callee))
            .map(|(_, callee)| callee)
            .collect()
    }

    /// The components to which a process hands the events that its own components, or its edge, publish: none where a log is
    /// in between. A component may be named twice.
    pub fn told_by(&self, shape: &ProcessShape) -> Vec<&'static str> {
        let is_published = |topic: &&TopicShape| topic.publishers.iter().any(|by| self.hosts(shape, by));
        let topics = self.system.topics.iter().filter(|_| !self.is(Events::Kafka)).filter(is_published);
        topics.flat_map(|topic| topic.groups.iter().map(|group| group.component)).collect()
    }

    /// The process that hosts a component; none where none does.
    pub fn host_of(&self, component: &str) -> Option<&'static ProcessShape> {
        self.processes().find(|process| process.components.contains(&component))
    }

    /// The value of an axis; the axis's default where the system does not have it, for nobody can choose another.
    pub fn choice<C: Choice>(&self) -> C {
        let axis = C::AXIS;
        let chosen = self.values.get(axis.name).map_or(axis.values[0].name, String::as_str);
        C::parse(chosen).expect("a wiring holds only values that their axes parse")
    }

    /// Whether an axis has this value.
    pub fn is<C: Choice>(&self, value: C) -> bool {
        self.choice::<C>() == value
    }

    /// The value of an axis as a word; empty for an axis that the system does not have.
    pub fn get(&self, axis: &str) -> &str {
        if axis == "placement" {
            return self.placement.name;
        }
        self.values.get(axis).map_or("", String::as_str)
    }

    /// Every axis with its value, `placement` first.
    pub fn values(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.system.axis_names().map(|axis| (axis, self.get(axis)))
    }

    /// The stores and brokers that it needs.
    pub fn backings(&self) -> Vec<BackingNeed> {
        let needed = self.system.backings.iter().filter_map(|backing| {
            let kind = self.row(self.system.axis(backing.axis)?)?.needs?;
            Some(self.shared_or_owned(backing, kind))
        });
        needed.flatten().chain(self.broker()).collect()
    }

    /// The broker of the system's topics, if the value of the axis `events` needs one.
    fn broker(&self) -> Option<BackingNeed> {
        let kind = self.row(self.system.axis(Events::AXIS.name)?)?.needs?;
        let used_by = self.system.event_users();
        (!used_by.is_empty()).then(|| BackingNeed { role: Events::AXIS.name.to_owned(), kind, used_by })
    }

    /// One for all who use it; of databases one for each, if the axis `ownership` says so.
    fn shared_or_owned(&self, backing: &Backing, kind: BackingKind) -> Vec<BackingNeed> {
        let Backing { axis, role, used_by } = *backing;
        match self.choice() {
            Ownership::PerService if axis == Database::AXIS.name => used_by
                .iter()
                .map(|user| BackingNeed { role: format!("{role}/{user}"), kind, used_by: vec![*user] })
                .collect(),
            Ownership::PerService | Ownership::Shared => {
                vec![BackingNeed { role: role.to_owned(), kind, used_by: used_by.to_vec() }]
            }
        }
    }

    /// The row of an axis's list that it chose; none for a value beyond the list.
    fn row(&self, axis: &'static Axis) -> Option<&'static Value> {
        axis.values.iter().find(|value| value.name == self.get(axis.name))
    }

    /// The axes on which two wirings differ.
    pub fn difference(&self, other: &Self) -> Vec<&'static str> {
        self.system.axis_names().filter(|axis| self.get(axis) != other.get(axis)).collect()
    }

    /// The values that are negative controls.
    pub fn controls(&self) -> impl Iterator<Item = (&'static str, &'static Value)> {
        self.system.axes.iter().filter_map(|axis| {
            let chosen = self.row(axis)?;
            chosen.control.map(|_| (axis.name, chosen))
        })
    }
}

impl fmt::Debug for Wiring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.values()).finish()
    }
}

impl PartialEq for Wiring {
    fn eq(&self, other: &Self) -> bool {
        self.system.name == other.system.name && self.difference(other).is_empty()
    }
}

#[cfg(test)]
mod tests;
