//! `lab export k8s`: a wiring as Kubernetes objects.

use std::path::{Path, PathBuf};

use anyhow::Result;
use runtimes::kubernetes::Export;

use super::{Chosen, write};
use crate::outcome::Outcome;

/// What can be said of Kubernetes objects.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab export k8s shortener --set database=postgres\n  lab export k8s shortener --set placement=microservices --set database=postgres --out /tmp/lab\n  kubectl kustomize deploy/k8s/shortener/overlays/monolith"
)]
pub(super) struct Args {
    #[command(flatten)]
    chosen: Chosen,
    /// The folder to write to
    #[arg(long, value_name = "DIR", default_value = "deploy/k8s")]
    out: PathBuf,
}

impl Args {
    /// Writes the files, and prints their paths.
    pub(super) fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let arm = self.chosen.arm(scenarios)?;
        let command = self.chosen.command("k8s", &arm.label, "");
        write(&self.out, Export::new(&arm, &arm.label, &self.chosen.public_urls, &command)?.files())
    }
}
