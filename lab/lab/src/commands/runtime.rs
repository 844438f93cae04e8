//! The flags that choose the runtime, which `lab run` and `lab up` share.

use anyhow::Result;
use clap::{Args, ValueEnum};
use runtimes::{
    arm::BackingChoices,
    compose::{Engine, IMAGE},
    launch::Runtime,
};
use scenario::diagnostic::Diagnostic;

/// What runs the arms.
#[derive(Clone, Debug, Args)]
pub struct RuntimeChoice {
    /// What runs the arms: children of the lab on this machine, or containers, a compose project an arm
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Name::Process)]
    runtime: Name,
    /// The image of the service processes, for `--runtime compose`
    #[arg(long, value_name = "IMAGE", env = "LAB_IMAGE", default_value = IMAGE, hide = true)]
    image: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Name {
    Process,
    Compose,
}

impl RuntimeChoice {
    /// The runtime, if this machine has it.
    ///
    /// Fails without an engine, and if stores were given by address: a compose project has its own.
    pub fn find(&self, backings: &BackingChoices) -> Result<Runtime> {
        if self.runtime == Name::Process {
            return Ok(Runtime::Process);
        }
        let given = [
            ("--postgres-url", &backings.postgres_url),
            ("--redis-url", &backings.redis_url),
            ("--kafka-url", &backings.kafka_url),
        ];
        if let Some((flag, _)) = given.iter().find(|(_, url)| url.is_some()) {
            let hint = "leave it out, its environment variable as well, or use `--runtime process`";
            let what = format!(
                "`{flag}` and `--runtime compose` cannot go together: each project has its own stores"
            );
            return Err(Diagnostic::new(what).hint(hint).into());
        }
        Engine::find(&self.image).map(Runtime::Compose)
    }
}
