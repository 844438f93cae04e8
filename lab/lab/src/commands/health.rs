//! `lab health FILE`: the readiness of the service process with this process configuration, for a container's health
//! check.

use std::{net::Ipv4Addr, path::PathBuf, time::Duration};

use anyhow::Result;
use runtimes::http;
use scenario::diagnostic::Diagnostic;

use crate::outcome::Outcome;

/// The time limit of the reply; a compose file's health check allows 5 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// What can be said.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The process configuration of the process
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Args {
    /// Requests `/health/ready`; fails unless the reply is 200.
    pub fn run(&self) -> Result<Outcome> {
        let mut address = runtime::read_process_config(&self.file)?.internal;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        let hint = "its log says why";
        match http::get(address, "/health/ready", ANSWER_WITHIN) {
            Ok(reply) if reply.status == 200 => Ok(Outcome::Done),
            Ok(reply) => {
                let lacks = reply.body.lines().collect::<Vec<_>>().join("; ");
                let what = format!("`http://{address}/health/ready` answers {}: {lacks}", reply.status);
                Err(Diagnostic::new(what).hint(hint).into())
            }
            Err(error) => {
                let what = format!("`http://{address}/health/ready` does not answer: {error}");
                Err(Diagnostic::new(what).hint(hint).into())
            }
        }
    }
}
