//! A wiring as Kubernetes objects: a kustomize base with the common objects of a system's wirings, and an
//! overlay for each.
//!
//! ```text
//! ArmPlan -> deploy/k8s/<system>/base/                an account without rights, a network policy that
//! denies all
//!         -> deploy/k8s/<system>/overlays/<wiring>/   the namespace, a file per process, the permitted
//!         connections, the
//!                                                     addresses of the stores
//! ```
//!
//! The objects are templates in `lab/runtimes/templates/kubernetes`, with the reasons for their settings; a
//! test checks the output against Kubernetes' own types. The lab does not apply them: it measures on one
//! machine.
//!
//! Read in this order: the templates, this file (the list of files), `base`, `process` (the settings of a
//! deployment), `stores`, `provider`, `hosts` (each process's process configuration).

mod base;
mod hosts;
mod process;
mod provider;
mod stores;

use design::{BackingKind, PublicUrl};
use scenario::{
    diagnostic::Diagnostic,
    plan::{ArmPlan, ProcessPlan},
};
use serde_json::{Value, json};

use crate::yaml;

/// The port of the public API.
const PUBLIC_PORT: u16 = 8080;

/// The port for other processes, health and metrics.
const INTERNAL_PORT: u16 = 9000;

/// The image of every process, without its tag, which the overlay chooses.
const IMAGE: &str = "system-design-lab";

/// The image's tag.
const TAG: &str = env!("CARGO_PKG_VERSION");

/// The options of an export.
pub struct Export<'a> {
    arm: &'a ArmPlan,
    /// The prefix of its objects' names.
    wiring: &'a str,
    /// The public URLs of the API.
    public_urls: &'a [PublicUrl],
    /// The command that writes the same files again.
    command: &'a str,
}

impl<'a> Export<'a> {
    /// Refuses a wiring that keeps its data in files: a file belongs to one pod, and processes may have
    /// several.
    pub fn new(
        arm: &'a ArmPlan,
        wiring: &'a str,
        public_urls: &'a [PublicUrl],
        command: &'a str,
    ) -> Result<Self, Diagnostic> {
        if arm.backings.iter().any(|need| need.kind == BackingKind::Sqlite) {
            let what = "`database=sqlite` is a file that one pod holds, and a process may have several pods";
            return Err(Diagnostic::new(what).hint("`--set database=postgres`"));
        }
        Ok(Self { arm, wiring, public_urls, command })
    }

    /// Every file: path below the output folder, and text.
    pub fn files(&self) -> Vec<(String, String)> {
        let system = self.system();
        let base = base::files(system).map(|(name, text)| (format!("{system}/base/{name}"), text));
        let path = |name: &str| format!("{system}/overlays/{}/{name}", self.wiring);
        let mut files = Vec::from(base);
        for name in ["kustomization", "namespace", "network"] {
            files.push((path(&format!("{name}.yaml")), self.overlay(name, Value::Null)));
        }
        if !stores::all(self).is_empty() {
            files.push((path("stores.yaml"), self.overlay("stores", Value::Null)));
        }
        if provider::is_there(self) {
            files.push((path("provider.yaml"), self.overlay("provider", provider::view(self))));
            files.push((path("provider.toml"), provider::config(self)));
        }
        for process in self.processes() {
            let text = self.overlay("process", process::view(self, process));
            files.push((path(&format!("{}.yaml", process.shape)), text));
            files.push((path(&format!("hosts/{}.toml", process.shape)), hosts::text(self, process)));
        }
        files
    }

    /// A file of the overlay; `more` has the template's additional values.
    fn overlay(&self, template: &str, more: Value) -> String {
        let all = json!({
            "system": self.system(),
            "wiring": self.wiring,
            "summary": self.arm.wiring.placement().summary,
            // Two wirings share nothing, so that either can be removed alone.
            "namespace": format!("{}-{}", self.system(), self.wiring),
            "command": self.command,
            "public_processes": self.processes().filter(|process| process.edge).map(|process| process.shape).collect::<Vec<_>>(),
            "processes": self.processes().map(|process| process.shape).collect::<Vec<_>>(),
            "stores": stores::all(self),
            "has_provider": provider::is_there(self),
            "image": IMAGE,
            "tag": TAG,
            "public_port": PUBLIC_PORT,
            "internal_port": INTERNAL_PORT,
        });
        yaml::render(&format!("kubernetes/overlay/{template}"), [all, more])
    }

    fn system(&self) -> &'static str {
        self.arm.wiring.system().name
    }

    /// Its processes, one with a public API first. The cluster manages replicas, so each process appears
    /// once.
    fn processes(&self) -> impl Iterator<Item = &'a ProcessPlan> {
        let processes = &self.arm.processes;
        processes.iter().enumerate().filter_map(|(index, process)| {
            let is_first = processes[..index].iter().all(|other| other.shape != process.shape);
            is_first.then_some(process)
        })
    }

    /// `microservices-links`: the name of a process's objects.
    fn name(&self, process: &str) -> String {
        format!("{}-{process}", self.wiring)
    }
}
