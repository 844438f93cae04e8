//! A wiring: a value for every axis of a system, one complete way to build it.

use std::{collections::BTreeMap, fmt};

use crate::{Accepts, BackingNeed, Copies, Placement, ProcessShape, System, Value, nearest};

/// A value for every axis of a system. Invariant: every value is one that its axis accepts.
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
        let listed = known.values.iter().any(|candidate| candidate.name == value);
        let share = known.accepts == Accepts::Share
            && value.parse::<f64>().is_ok_and(|share| (0.0..=1.0).contains(&share));
        if !listed && !share {
            return Err(unknown_value());
        }
        self.values.insert(known.name, value.to_owned());
        Ok(())
    }

    /// Refuses values that cannot go together.
    pub fn check(&self) -> Result<(), WiringError> {
        (self.system.conflict)(self).map_or(Ok(()), |why| Err(WiringError::Conflict(why)))
    }

    /// Why `replicas` means nothing in its placement, if it asks for copies and there is nothing to copy.
    pub fn nothing_to_copy(&self) -> Option<String> {
        let copies = self.processes().any(|process| process.copies == Copies::AsReplicas);
        (self.get("replicas") != "1" && !copies).then(|| {
            let placement = self.placement.name;
            format!(
                "`replicas` copies processes without the edge, and in `{placement}` there is none to copy"
            )
        })
    }

    /// Why an axis changes nothing here, and the axis and value with which it would, if it changes nothing.
    pub fn without_effect(&self, axis: &str) -> Option<(&'static str, (&'static str, &'static str))> {
        let is_whole = self.processes().count() == 1;
        let is_single = || self.processes().all(|process| self.copies(process) == 1);
        match axis {
            "stampede" | "time-to-live" if self.get("cache") == "none" => {
                Some(("there is no cache", ("cache", "local")))
            }
            "transport" | "resilience" if is_whole => {
                Some(("one process calls no other", ("placement", "microservices")))
            }
            "balancing" if is_whole => {
                Some(("there is one process, and no copy to choose from", ("placement", "microservices")))
            }
            "balancing" if is_single() => Some(("there is one of each process", ("replicas", "2"))),
            _ => None,
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

    /// The processes that its placement has where the other axes are as they are, the one with the edge first.
    pub fn processes(&self) -> impl Iterator<Item = &'static ProcessShape> {
        let is_there = |shape: &&ProcessShape| match shape.only_where {
            Some((axis, value)) => self.get(axis) == value,
            None => true,
        };
        self.placement.processes.iter().filter(is_there)
    }

    /// How many copies of a process there are.
    pub fn copies(&self, shape: &ProcessShape) -> u32 {
        match shape.copies {
            Copies::AsReplicas => self.get("replicas").parse().unwrap_or(1),
            Copies::OneHere => 1,
        }
    }

    /// The process that hosts a component; none where none does.
    pub fn host_of(&self, component: &str) -> Option<&'static ProcessShape> {
        self.processes().find(|process| process.components.contains(&component))
    }

    /// The value of an axis; empty for an axis that the system does not have.
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
        (self.system.backings)(self)
    }

    /// The axes on which two wirings differ.
    pub fn difference(&self, other: &Self) -> Vec<&'static str> {
        self.system.axis_names().filter(|axis| self.get(axis) != other.get(axis)).collect()
    }

    /// The values that are negative controls.
    pub fn controls(&self) -> impl Iterator<Item = (&'static str, &'static Value)> {
        self.system.axes.iter().filter_map(|axis| {
            let chosen = axis.values.iter().find(|value| value.name == self.get(axis.name))?;
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
