//! The systems of this lab.
//!
//! A system is in two registries under one name: [`SERVICES`] has its wiring, [`load::journeys::SYSTEMS`] its journeys.

use std::{collections::BTreeMap, sync::OnceLock};

use design::{System, Wiring};
use load::{
    journeys::{self, CounterShape, OptionShape, PolicyLine, RatioShape, SystemUnderTest},
    ledger::Breach,
};
use runtime::Service;

use crate::diagnostic::did_you_mean;

/// Every system with its wiring, in the order of `lab list`.
pub static SERVICES: &[&Service] = &[
    &shortener_app::SERVICE,
    &limiter_app::SERVICE,
    &chain_app::SERVICE,
    &cart_app::SERVICE,
    &chat_app::SERVICE,
];

/// Systems of a program that adds its own to the registry.
static FURTHER: OnceLock<&'static [&'static Service]> = OnceLock::new();

/// Adds systems that are not in the registries, for programs whose systems are not this project's. Only the first call of a
/// process has an effect.
pub fn register(services: &'static [&'static Service], journeys: &'static [&'static dyn SystemUnderTest]) {
    let _ = FURTHER.set(services);
    journeys::register(journeys);
}

/// Every system with its wiring, in the order of `lab list`.
fn services() -> impl Iterator<Item = &'static Service> {
    let further = FURTHER.get().copied().unwrap_or_default();
    SERVICES.iter().chain(further).copied()
}

/// The system with this name, with its wiring.
pub fn service(name: &str) -> Option<&'static Service> {
    services().find(|service| service.system.name == name)
}

/// The system with this name.
pub fn find(name: &str) -> Option<&'static System> {
    service(name).map(|service| service.system)
}

/// Every system, in the order of `lab list`.
pub fn all() -> impl Iterator<Item = &'static System> {
    services().map(|service| service.system)
}

/// Every system's name.
pub fn names() -> Vec<&'static str> {
    all().map(|system| system.name).collect()
}

/// The mixes that the generator has for a system, the default first.
pub fn mixes(system: &str) -> Vec<&'static str> {
    mixes_told(system).iter().map(|(mix, _)| *mix).collect()
}

/// The same with their summaries.
pub fn mixes_told(system: &str) -> &'static [(&'static str, &'static str)] {
    under_test(system).map(SystemUnderTest::mixes).unwrap_or_default()
}

/// The facts that a system's ledger can report.
pub fn facts(system: &str) -> Vec<&'static str> {
    under_test(system).into_iter().flat_map(SystemUnderTest::facts).map(|fact| fact.name).collect()
}

/// The facts that are broken promises.
pub fn breaches(system: &str) -> Vec<&'static str> {
    under_test(system).into_iter().flat_map(<dyn SystemUnderTest>::breaches).collect()
}

/// The facts that break promises of one kind.
pub fn breaches_of(system: &str, kind: Breach) -> Vec<&'static str> {
    under_test(system).into_iter().flat_map(|it| it.breaches_of(kind)).collect()
}

/// The facts of all systems that are metrics of their own, each once.
pub fn metrics() -> Vec<&'static str> {
    let mut names = Vec::new();
    for fact in journeys::systems().flat_map(SystemUnderTest::facts).filter(|fact| fact.is_metric) {
        if !names.contains(&fact.name) {
            names.push(fact.name);
        }
    }
    names
}

/// The figures of a system's reports that are one of its counters by another.
pub fn ratios(system: &str) -> &'static [RatioShape] {
    under_test(system).map(SystemUnderTest::ratios).unwrap_or_default()
}

/// The counters of a system's processes that reports show, beside those of the platform.
pub fn counters(system: &str) -> &'static [CounterShape] {
    under_test(system).map(SystemUnderTest::counters).unwrap_or_default()
}

/// The options of a system's journeys.
pub fn options(system: &str) -> &'static [OptionShape] {
    under_test(system).map(SystemUnderTest::options).unwrap_or_default()
}

/// The options of a system's own journeys in a wiring: those that are given, and of an option that is called as an axis the
/// wiring's value of that axis.
pub fn own_options(
    given: &BTreeMap<&'static str, String>,
    wiring: &Wiring,
) -> BTreeMap<&'static str, String> {
    let mut own = given.clone();
    let system = wiring.system();
    for option in options(system.name) {
        if system.axes.iter().any(|axis| axis.name == option.name) {
            own.entry(option.name).or_insert_with(|| wiring.get(option.name).to_owned());
        }
    }
    own
}

/// The option of that name; if there is none: what is wrong, and a hint.
pub fn option(system: &str, name: &str) -> Result<&'static OptionShape, (String, String)> {
    let declared = options(system);
    declared.iter().find(|option| option.name == name).ok_or_else(|| {
        let hint = match declared {
            [] => "leave it out: they have no options".to_owned(),
            _ => did_you_mean(name, declared.iter().map(|option| option.name)),
        };
        (format!("the journeys of `{system}` have no option `{name}`"), hint)
    })
}

/// The limit that a mix puts on each of its clients, if there is one.
pub fn line(system: &str, mix: &str) -> Option<PolicyLine> {
    under_test(system)?.client_limit(mix)
}

/// The name of the things that the generator prepares for a system, in the plural: `links`.
pub fn prepared(system: &str) -> &'static str {
    under_test(system).and_then(SystemUnderTest::things).unwrap_or("things")
}

/// The share of some kinds of operations in a mix, 0 to 1.
pub fn share(system: &str, mix: &str, kinds: &[&str]) -> f64 {
    let shares = under_test(system).map(|it| it.shares(mix)).unwrap_or_default();
    shares.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, share)| share).sum()
}

/// The number of things that a mix needs for this many operations, if it takes each once.
pub fn needs(system: &str, mix: &str, operations: f64) -> Option<u64> {
    under_test(system)?.needs(mix, operations)
}

/// At most so many things and operations a second are modest for any wiring of a system.
pub fn modest(system: &str) -> (u64, f64) {
    under_test(system).map_or((u64::MAX, f64::INFINITY), |it| (it.usual_things(), it.modest_rate()))
}

fn under_test(system: &str) -> Option<&'static dyn SystemUnderTest> {
    journeys::find(system)
}
