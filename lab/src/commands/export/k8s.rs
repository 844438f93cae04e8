//! `lab export k8s`: a wiring as Kubernetes objects.

use std::path::PathBuf;

use anyhow::Result;
use runtime::Wiring;

use super::name;
use crate::{
    cli::Outcome,
    commands::choices::assignment,
    complaint::{Complaint, did_you_mean},
    kubernetes::Export,
    output,
    plan::ArmPlan,
    systems,
};

/// What can be said of Kubernetes objects.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab export k8s shortener --set database=postgres\n  lab export k8s shortener --set placement=microservices --set database=postgres --out /tmp/lab\n  kubectl kustomize deploy/k8s/shortener/overlays/monolith"
)]
pub(super) struct Args {
    /// The system: `shortener`
    #[arg(value_name = "SYSTEM")]
    system: String,
    /// Choose a value of an axis; may be repeated
    #[arg(long, value_name = "AXIS=VALUE", value_parser = assignment)]
    set: Vec<(String, String)>,
    /// What the wiring is called: its objects' names begin with it [default: its placement]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// The folder to write to
    #[arg(long, value_name = "DIR", default_value = "deploy/k8s")]
    out: PathBuf,
}

impl Args {
    /// Writes the files, and prints their paths.
    pub(super) fn run(&self) -> Result<Outcome> {
        let system = systems::find(&self.system).ok_or_else(|| {
            Complaint::new(format!("there is no system `{}`", self.system))
                .hint(did_you_mean(&self.system, systems::names()))
        })?;
        let mut wiring = Wiring::defaults(system);
        for (axis, value) in &self.set {
            wiring.set(axis, value)?;
        }
        wiring.check()?;
        let name = self.name.clone().unwrap_or_else(|| wiring.placement().name.to_owned());
        let arm = ArmPlan::new(name.clone(), wiring);
        for path in Export::new(&arm, &name, &self.command(&name))?.write(&self.out)? {
            output::data(&format!("{}\n", path.display()))?;
        }
        Ok(Outcome::Done)
    }

    /// The command that writes the same again, whatever the folder.
    fn command(&self, name: &str) -> String {
        let mut words = vec![format!("lab export k8s {} --name {name}", self.system)];
        words.extend(self.set.iter().map(|(axis, value)| format!("--set {axis}={value}")));
        words.join(" ")
    }
}
