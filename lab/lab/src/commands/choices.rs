//! Flags that several commands share.

use std::path::PathBuf;

use clap::Args;
use design::{PublicUrl, PublicUrlError};
use runtimes::arm::BackingChoices;
use scenario::{diagnostic::Diagnostic, plan};

/// What a plan lets one choose.
#[derive(Clone, Debug, Default, Args)]
pub struct PlanChoices {
    /// The short form: a first answer in a minute or a few, wider intervals
    #[arg(long)]
    pub quick: bool,
    /// Hold another axis at a value, in all arms; may be repeated
    #[arg(long, value_name = "AXIS=VALUE", value_parser = assignment)]
    pub hold: Vec<(String, String)>,
    /// Compare these values of the scenario's axis instead of its own; may be repeated. The same value twice
    /// compares the lab with itself
    #[arg(long, value_name = "NAME")]
    pub arm: Vec<String>,
    /// From which every random choice follows: due times, keys, the order of slices
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(0..=i64::MAX as u64))]
    pub seed: u64,
}

impl PlanChoices {
    /// Converts to the planner's choices.
    pub fn to_choices(&self) -> plan::Choices {
        plan::Choices {
            quick: self.quick,
            hold: self.hold.clone(),
            arms: self.arm.clone(),
            seed: Some(self.seed),
        }
    }
}

/// Stores and brokers that are given by address, and how others are started.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Stores and brokers")]
pub struct GivenBackings {
    /// Use this PostgreSQL server instead of starting a throwaway one; its user has to be allowed to create databases
    #[arg(long, value_name = "URL", env = "LAB_POSTGRES_URL", hide_env_values = true)]
    pub postgres_url: Option<String>,
    /// Use this Redis server instead of starting a throwaway one: `redis://[:password@]host:port[/database]`; its
    /// keys are removed at the end
    #[arg(long, value_name = "URL", env = "LAB_REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Use this Kafka broker instead of one of the arm's own
    #[arg(long, value_name = "URL", env = "LAB_KAFKA_URL", hide_env_values = true)]
    pub kafka_url: Option<String>,
    /// Where a real broker is started from.
    #[command(flatten)]
    pub kafka: KafkaPlace,
    /// Use the embedded broker even where a real one can be started
    #[arg(long, conflicts_with = "kafka_url")]
    pub embedded_kafka: bool,
}

impl GivenBackings {
    /// Converts to the runtime's choices.
    pub fn to_choices(&self) -> BackingChoices {
        BackingChoices {
            postgres_url: self.postgres_url.clone(),
            redis_url: self.redis_url.clone(),
            kafka_url: self.kafka_url.clone(),
            embedded_kafka: self.embedded_kafka,
            ..self.kafka.to_choices()
        }
    }
}

/// Where Kafka is on this machine.
#[derive(Clone, Debug, Default, Args)]
pub struct KafkaPlace {
    /// The folder in which Kafka was unpacked, to start a real broker instead of the embedded one [default: the
    /// usual places]
    #[arg(long, value_name = "DIR", env = "KAFKA_HOME", hide_env_values = true)]
    pub kafka_home: Option<PathBuf>,
    /// The folder of the Java that runs it [default: `java` on the PATH]
    #[arg(long, value_name = "DIR", env = "JAVA_HOME", hide_env_values = true)]
    pub java_home: Option<PathBuf>,
}

impl KafkaPlace {
    /// Converts to the runtime's choices, with nothing given by address.
    pub fn to_choices(&self) -> BackingChoices {
        BackingChoices {
            kafka_home: self.kafka_home.clone(),
            java_home: self.java_home.clone(),
            ..BackingChoices::default()
        }
    }
}

/// A public URL of an API.
pub fn public_url(text: &str) -> Result<PublicUrl, Diagnostic> {
    text.parse().map_err(|error: PublicUrlError| {
        Diagnostic::new(error.to_string())
            .hint("leave out paths, queries and user names: `https://short.example`")
    })
}

/// `axis=value`.
pub fn assignment(text: &str) -> Result<(String, String), Diagnostic> {
    match text.split_once('=') {
        Some((axis, value)) if !axis.is_empty() && !value.is_empty() => {
            Ok((axis.to_owned(), value.to_owned()))
        }
        _ => Err(Diagnostic::new("expected `axis=value`, such as `cache=local`")),
    }
}
