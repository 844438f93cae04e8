//! The systems of this lab.

use design::System;
use load::journeys::{PolicyLine, SYSTEMS, SystemEntry};
use runtime::Service;

/// Every system with its wiring, in the order of `lab list`.
pub static SERVICES: &[&Service] = &[&shortener_app::SERVICE, &limiter_app::SERVICE];

/// The system with this name, with its wiring.
pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().copied().find(|service| service.system.name == name)
}

/// The system with this name.
pub fn find(name: &str) -> Option<&'static System> {
    service(name).map(|service| service.system)
}

/// Every system, in the order of `lab list`.
pub fn all() -> impl Iterator<Item = &'static System> {
    SERVICES.iter().map(|service| service.system)
}

/// Every system's name.
pub fn names() -> Vec<&'static str> {
    all().map(|system| system.name).collect()
}

/// The mixes that the generator has for a system, the default first.
pub fn mixes(system: &str) -> Vec<&'static str> {
    journeys(system).into_iter().flat_map(|entry| entry.mixes.iter().map(|(mix, _)| *mix)).collect()
}

/// The same with their summaries.
pub fn mixes_told(system: &str) -> &'static [(&'static str, &'static str)] {
    journeys(system).map_or(&[], |entry| entry.mixes)
}

/// The facts that a system's ledger can report.
pub fn facts(system: &str) -> Vec<&'static str> {
    journeys(system).map(|entry| entry.facts.to_vec()).unwrap_or_default()
}

/// The facts that are broken promises.
pub fn breaches(system: &str) -> Vec<&'static str> {
    journeys(system).map(|entry| entry.breaches.to_vec()).unwrap_or_default()
}

/// The limit that a mix puts on each of its clients, if there is one.
pub fn line(system: &str, mix: &str) -> Option<PolicyLine> {
    (journeys(system)?.lines)(mix)
}

/// The name of the things that the generator prepares for a system, in the plural: `links`.
pub fn prepared(system: &str) -> &'static str {
    journeys(system).map_or("things", |entry| entry.things)
}

/// The share of some kinds of operations in a mix, 0 to 1.
pub fn share(system: &str, mix: &str, kinds: &[&str]) -> f64 {
    let shares = journeys(system).map(|entry| (entry.shares)(mix)).unwrap_or_default();
    shares.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, share)| share).sum()
}

/// The number of things that a mix needs for this many operations, if it takes each once.
pub fn needs(system: &str, mix: &str, operations: f64) -> Option<u64> {
    journeys(system)?.needs(mix, operations)
}

fn journeys(system: &str) -> Option<&'static SystemEntry> {
    SYSTEMS.iter().find(|entry| entry.name == system)
}
