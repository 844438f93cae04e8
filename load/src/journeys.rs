//! The journeys of each system, by name.
//!
//! [`SystemUnderTest`] is what a system says of itself: one unit struct a system, its optional parts with defaults.
//! A new system is one folder, its `pub mod` here, and one line in [`SYSTEMS`].
//!
//! In reading order: `system`, `options`, [`plain`] (the smallest), [`shortener`], [`limiter`], [`chain`], [`cart`],
//! [`chat`], `id` (for several of them), [`request_list`] (for preparations and checks).

pub mod cart;
pub mod chain;
pub mod chat;
mod id;
pub mod limiter;
mod options;
pub mod plain;
pub mod request_list;
pub mod shortener;
mod system;

use std::sync::OnceLock;

pub use self::{
    options::{JourneyError, JourneyOptions},
    system::{
        CounterShape, KindShape, OptionShape, OutcomeWords, PolicyLine, RatioShape, SystemUnderTest,
        is_within,
    },
};
pub use crate::sender::{Check, PrepareError, Progress, SystemJourneys};

/// All systems.
pub static SYSTEMS: &[&dyn SystemUnderTest] =
    &[&shortener::Shortener, &limiter::Limiter, &chain::Chain, &cart::Cart, &chat::Chat, &plain::Plain];

/// Systems of a program that adds its own to the registry.
static FURTHER: OnceLock<&'static [&'static dyn SystemUnderTest]> = OnceLock::new();

/// The largest population.
pub const MAX_THINGS: u64 = 1_000_000;

/// Adds systems that are not in [`SYSTEMS`], for programs whose systems are not this project's. Only the first call of a
/// process has an effect.
pub fn register(further: &'static [&'static dyn SystemUnderTest]) {
    let _ = FURTHER.set(further);
}

/// All systems, and those that were [registered](register).
pub fn systems() -> impl Iterator<Item = &'static dyn SystemUnderTest> + Clone {
    let further = FURTHER.get().copied().unwrap_or_default();
    SYSTEMS.iter().chain(further).copied()
}

/// The system of that name.
pub fn find(name: &str) -> Option<&'static dyn SystemUnderTest> {
    systems().find(|system| system.name() == name)
}

/// The journeys of a system, by its name and by the mix in the options.
pub fn for_system(name: &str, options: &JourneyOptions) -> Result<Box<dyn SystemJourneys>, JourneyError> {
    let unknown = || JourneyError::UnknownSystem {
        name: name.to_owned(),
        known: listed(systems().map(SystemUnderTest::name)),
    };
    journeys_of(find(name).ok_or_else(unknown)?, options)
}

/// The journeys of this system, registered or not, by the mix in the options.
pub fn journeys_of(
    system: &dyn SystemUnderTest,
    options: &JourneyOptions,
) -> Result<Box<dyn SystemJourneys>, JourneyError> {
    let mixes = system.mixes();
    let wanted = options.mix.as_deref().unwrap_or(mixes[0].0);
    let unknown = || JourneyError::UnknownMix {
        system: system.name(),
        mix: wanted.to_owned(),
        known: listed(mixes.iter().map(|(mix, _)| *mix)),
    };
    let (mix, _) = mixes.iter().find(|(mix, _)| *mix == wanted).ok_or_else(unknown)?;
    for (&name, value) in &options.own {
        let option =
            system.option(name).ok_or(JourneyError::UnknownOption { system: system.name(), name })?;
        if !(option.accepts)(value) {
            return Err(option.refused(value));
        }
    }
    system.journeys(options, mix)
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
