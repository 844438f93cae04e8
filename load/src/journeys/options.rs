//! The options of journeys, and the errors in them.

use std::{collections::BTreeMap, io, str::FromStr};

use super::OptionShape;

/// The options of journeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JourneyOptions {
    /// The seed of all random choices and generated names.
    /// One seed is for one run of one system: a second run would count what the first one left behind.
    pub seed: u64,
    /// The name of the mix; `None` for the system's first.
    pub mix: Option<String>,
    /// The population: links, clients or rooms; [`things`](super::SystemUnderTest::things) names it.
    pub things: usize,
    /// The system's own options, by their declared names ([`options`](super::SystemUnderTest::options)).
    pub own: BTreeMap<&'static str, String>,
}

impl Default for JourneyOptions {
    fn default() -> Self {
        Self { seed: 1, mix: None, things: 10_000, own: BTreeMap::new() }
    }
}

impl JourneyOptions {
    /// The same with one of the system's own options.
    #[must_use]
    pub fn with(mut self, option: &OptionShape, value: impl Into<String>) -> Self {
        self.own.insert(option.name, value.into());
        self
    }

    /// One of the system's own options as its journeys need it; `default` if it is not given.
    pub fn parsed<T: FromStr>(&self, option: &OptionShape, default: T) -> Result<T, JourneyError> {
        let Some(value) = self.own.get(option.name) else { return Ok(default) };
        value.parse().map_err(|_| option.refused(value))
    }
}

impl OptionShape {
    /// The error for a value that it does not accept.
    pub(super) fn refused(&self, value: &str) -> JourneyError {
        JourneyError::BadOption { name: self.name, value: value.to_owned(), values: self.values }
    }
}

/// The reasons why journeys cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// No system has this name.
    #[error("no system is called `{name}`\nhint: the systems are {known}")]
    UnknownSystem {
        /// The requested name.
        name: String,
        /// The known names.
        known: String,
    },
    /// The system has no such mix.
    #[error("`{system}` has no mix called `{mix}`\nhint: its mixes are {known}")]
    UnknownMix {
        /// The system.
        system: &'static str,
        /// The requested mix.
        mix: String,
        /// The known mixes.
        known: String,
    },
    /// The system declares no such option.
    #[error("the journeys of `{system}` have no option `{name}`")]
    UnknownOption {
        /// The system.
        system: &'static str,
        /// The requested option.
        name: &'static str,
    },
    /// An option has a value that it does not accept.
    #[error("`{value}` is no value of the option `{name}`: expected {values}")]
    BadOption {
        /// The option.
        name: &'static str,
        /// The value.
        value: String,
        /// The accepted values.
        values: &'static str,
    },
    /// The ledger's file could not be created.
    #[error("the ledger's file could not be made: {0}")]
    Ledger(#[from] io::Error),
}
