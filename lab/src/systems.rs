//! The systems that this lab knows.

use runtime::{Service, System};

/// Every system with its wiring, in the order of `lab list`.
pub static SERVICES: &[&Service] = &[&shortener_app::SERVICE, &limiter_app::SERVICE];

/// The system of that name with its wiring.
pub fn service(name: &str) -> Option<&'static Service> {
    SERVICES.iter().copied().find(|service| service.system.name == name)
}

/// The system of that name.
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

/// The mixes of journeys that the generator has for a system, the default first.
pub fn mixes(system: &str) -> Vec<&'static str> {
    load::journeys::SYSTEMS
        .iter()
        .filter(|entry| entry.name == system)
        .flat_map(|entry| entry.mixes.iter().map(|(mix, _)| *mix))
        .collect()
}
