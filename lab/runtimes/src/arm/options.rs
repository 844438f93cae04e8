//! What it takes to start an arm, and why one cannot be had.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use runtime::{Limits, PublicUrl};
use scenario::complaint::Complaint;

use crate::{interrupt::Interrupt, scratch::Scratch};

/// How long processes may take to be ready: an event log's consumer group alone takes three seconds to form.
pub const READY_WITHIN: Duration = Duration::from_secs(15);

/// What a launch needs beside the arms.
pub struct LaunchOptions<'a> {
    /// The lab's own program, which is every service process as well: `std::env::current_exe()`, or in a test the
    /// binary that cargo built.
    pub program: &'a Path,
    /// The run's folder for what nobody needs afterwards.
    pub scratch: &'a Scratch,
    /// The launch's number within the run, from 1: names its folder.
    pub number: u32,
    /// Stores and brokers that were given by address.
    pub backings: &'a BackingChoices,
    /// The port of the public API on loopback; none: a free one, or for containers none. Only for a single arm.
    pub port: Option<u16>,
    /// The URLs by which the public knows the API, beside where it listens. Only for a single arm.
    pub public_urls: &'a [PublicUrl],
    /// Whether each arm that traces gets a receiver.
    pub traces: bool,
    /// Stops the wait when the person asks.
    pub interrupt: &'a Interrupt,
    /// How long processes may take to be ready.
    pub ready_within: Duration,
    /// The limits of every process; containers have the default ones.
    pub limits: Limits,
}

/// Stores and brokers that are given by address instead of being started, and how others are started.
#[derive(Clone, Debug, Default)]
pub struct BackingChoices {
    /// A Postgres server whose user may create databases: `postgres://user:password@host:port/postgres`.
    pub postgres_url: Option<String>,
    /// A Redis server: `redis://[:password@]host:port[/database]`.
    pub redis_url: Option<String>,
    /// A Kafka broker: `kafka://host:port`.
    pub kafka_url: Option<String>,
    /// The folder in which Kafka was unpacked; none: it is looked for in the usual places.
    pub kafka_home: Option<PathBuf>,
    /// The folder of a Java runtime; none: `java` is looked for on the PATH.
    pub java_home: Option<PathBuf>,
    /// Whether the embedded broker is used even where a real one can be started.
    pub embedded_kafka: bool,
}

/// Why an arm cannot be had.
pub(crate) enum StartError {
    /// Something that this machine does not offer: other arms go on.
    Skip {
        /// What is missing.
        why: String,
        /// How to get it.
        hint: String,
    },
    /// An error.
    Fail(anyhow::Error),
}

impl From<Complaint> for StartError {
    fn from(complaint: Complaint) -> Self {
        Self::Fail(complaint.into())
    }
}

impl From<anyhow::Error> for StartError {
    fn from(error: anyhow::Error) -> Self {
        Self::Fail(error)
    }
}

/// What this machine does not offer, and how to get it.
pub struct Lacking {
    /// What is missing.
    pub why: &'static str,
    /// How to get it.
    pub hint: &'static str,
}

impl From<Lacking> for StartError {
    fn from(lacking: Lacking) -> Self {
        Self::Skip { why: lacking.why.to_owned(), hint: lacking.hint.to_owned() }
    }
}
