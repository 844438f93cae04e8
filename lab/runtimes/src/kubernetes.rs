//! A wiring as Kubernetes objects: a kustomize base with what each of a system's wirings has, and an overlay for each.
//!
//! ```text
//! ArmPlan -> deploy/k8s/<system>/base/                an account without rights, nothing may talk
//!         -> deploy/k8s/<system>/overlays/<wiring>/   the namespace, a file a process, who may talk to whom, where the
//!                                                     stores are
//! ```
//!
//! The objects are templates in `lab/runtimes/templates/kubernetes`, with the reasons beside the settings; a test holds what is
//! written to Kubernetes' own types. The lab does not apply them: what it measures runs on one machine.
//!
//! Read in this order: the templates, this file (which files there are), `base`, `process` (what a deployment depends
//! on), `stores`, `hosts` (what each process is told).

mod base;
mod hosts;
mod process;
mod stores;

use runtime::{BackingKind, PublicUrl};
use scenario::{
    complaint::Complaint,
    plan::{ArmPlan, ProcessPlan},
};
use serde_json::{Value, json};

use crate::yaml;

/// Where a process serves the public API.
const PUBLIC_PORT: u16 = 8080;

/// Where it serves other processes, health and metrics.
const INTERNAL_PORT: u16 = 9000;

/// The image of every process, without its tag, which the overlay chooses.
const IMAGE: &str = "system-design-lab";

/// The image's tag.
const TAG: &str = env!("CARGO_PKG_VERSION");

/// What to write down.
pub struct Export<'a> {
    arm: &'a ArmPlan,
    /// How the names of its objects begin.
    wiring: &'a str,
    /// The URLs by which the public knows the API.
    public_urls: &'a [PublicUrl],
    /// The command that writes the same files again.
    command: &'a str,
}

impl<'a> Export<'a> {
    /// Refuses a wiring that keeps its data in files: a file belongs to one pod, and processes may have several.
    pub fn new(
        arm: &'a ArmPlan,
        wiring: &'a str,
        public_urls: &'a [PublicUrl],
        command: &'a str,
    ) -> Result<Self, Complaint> {
        if arm.backings.iter().any(|need| need.kind == BackingKind::Sqlite) {
            let what = "`database=sqlite` is a file that one pod holds, and a process may have several pods";
            return Err(Complaint::new(what).hint("`--set database=postgres`"));
        }
        Ok(Self { arm, wiring, public_urls, command })
    }

    /// Every file: its path below the output folder, and its text.
    pub fn files(&self) -> Vec<(String, String)> {
        let system = self.system();
        let base = base::files(system).map(|(name, text)| (format!("{system}/base/{name}"), text));
        let path = |name: &str| format!("{system}/overlays/{}/{name}", self.wiring);
        let mut files = Vec::from(base);
        for name in ["kustomization", "namespace", "network", "stores"] {
            files.push((path(&format!("{name}.yaml")), self.overlay(name, Value::Null)));
        }
        for process in self.processes() {
            let text = self.overlay("process", process::view(self, process));
            files.push((path(&format!("{}.yaml", process.shape)), text));
            files.push((path(&format!("hosts/{}.toml", process.shape)), hosts::text(self, process)));
        }
        files
    }

    /// A file of the overlay; `more` is what its template says beside what all do.
    fn overlay(&self, template: &str, more: Value) -> String {
        let all = json!({
            "system": self.system(),
            "wiring": self.wiring,
            "summary": self.arm.wiring.placement().summary,
            // Two wirings share nothing, so that one can be removed without the other.
            "namespace": format!("{}-{}", self.system(), self.wiring),
            "command": self.command,
            "edge_process": self.arm.edge().shape,
            "processes": self.processes().map(|process| process.shape).collect::<Vec<_>>(),
            "stores": stores::all(self),
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

    /// Its processes, the one with the edge first. Copies are left to the cluster, so each stands here once.
    fn processes(&self) -> impl Iterator<Item = &'a ProcessPlan> {
        let processes = &self.arm.processes;
        processes.iter().enumerate().filter_map(|(index, process)| {
            let is_first = processes[..index].iter().all(|other| other.shape != process.shape);
            is_first.then_some(process)
        })
    }

    /// `microservices-links`: what a process's objects are called.
    fn name(&self, process: &str) -> String {
        format!("{}-{process}", self.wiring)
    }
}
