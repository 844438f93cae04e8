//! The options of starting an arm, and the reasons why it cannot be started.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use design::{Limits, PublicUrl};
use scenario::{Fault, diagnostic::Diagnostic};

use crate::{interrupt::Interrupt, scratch::Scratch};

/// The time limit for processes to become ready: forming a consumer group alone takes three seconds.
pub const READY_WITHIN: Duration = Duration::from_secs(15);

/// The options of a launch beside the arms.
pub struct LaunchOptions<'a> {
    /// The lab's own program, which is every service process as well: `std::env::current_exe()`, or in a test
    /// the binary that cargo built.
    pub program: &'a Path,
    /// The run's folder for temporary files.
    pub scratch: &'a Scratch,
    /// The number of the launch within the run, from 1: part of its folder's name.
    pub number: u32,
    /// Stores and brokers given by address.
    pub backings: &'a BackingChoices,
    /// The public API's port on loopback; `None` for a free one, or for containers for none. Only for a
    /// single arm.
    pub port: Option<u16>,
    /// The public URLs of the API, in addition to its address. Only for a single arm.
    pub public_urls: &'a [PublicUrl],
    /// The links that lead through the lab's proxy.
    pub proxied: Proxied<'a>,
    /// Whether each arm that traces gets a span receiver.
    pub traces: bool,
    /// Ends the wait on Ctrl-C.
    pub interrupt: &'a Interrupt,
    /// The time limit for processes to become ready.
    pub ready_within: Duration,
    /// The limits of every process; containers use the default ones.
    pub limits: Limits,
}

/// The links that lead through the lab's proxy.
#[derive(Clone, Copy, Debug)]
pub enum Proxied<'a> {
    /// None.
    Nothing,
    /// Those that these faults are done to.
    By(&'a [Fault]),
    /// All but those to Kafka.
    All,
}

/// Stores and brokers given by address, and how to start the others.
#[derive(Clone, Debug, Default)]
pub struct BackingChoices {
    /// A PostgreSQL server whose user may create databases: `postgres://user:password@host:port/postgres`.
    pub postgres_url: Option<String>,
    /// A Redis server: `redis://[:password@]host:port[/database]`.
    pub redis_url: Option<String>,
    /// A Kafka broker: `kafka://host:port`.
    pub kafka_url: Option<String>,
    /// The folder of an unpacked Kafka; `None` to search the usual places.
    pub kafka_home: Option<PathBuf>,
    /// The folder of a Java runtime; `None` for `java` on the PATH.
    pub java_home: Option<PathBuf>,
    /// Whether to use the embedded broker even if a real one can be started.
    pub embedded_kafka: bool,
}

/// The reasons why an arm cannot be started.
pub(crate) enum StartError {
    /// This machine lacks something; other arms can go on.
    Skip {
        /// What is missing.
        why: String,
        /// How to get it.
        hint: String,
    },
    /// An error.
    Fail(anyhow::Error),
}

impl From<Diagnostic> for StartError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Fail(diagnostic.into())
    }
}

impl From<anyhow::Error> for StartError {
    fn from(error: anyhow::Error) -> Self {
        Self::Fail(error)
    }
}

/// Something that this machine lacks, and how to get it.
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
