//! A wiring as Kubernetes objects: a kustomize base with what each of a system's wirings has, and an overlay for each.
//!
//! ```text
//! ArmPlan -> deploy/k8s/<system>/base/                an account without rights, nothing may talk
//!         -> deploy/k8s/<system>/overlays/<wiring>/   the namespace, a file a process, who may talk to whom, where the
//!                                                     stores are
//! ```
//!
//! The objects are written as a person would write them, with the reasons beside the settings; a test holds them to
//! Kubernetes' own types. The lab does not apply them: what it measures runs on one machine.
//!
//! Read in this order: this file (which files there are), `base`, `process` (a deployment and what goes with it),
//! `network`, `stores`, `hosts` (what each process is told).

mod base;
mod hosts;
mod network;
mod process;
mod stores;

use runtime::{BackingKind, PublicUrl};

use crate::{
    complaint::Complaint,
    plan::{ArmPlan, ProcessPlan},
    yaml,
};

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
        let overlay = |name: &str| format!("{system}/overlays/{}/{name}", self.wiring);
        let mut files = Vec::from(base);
        files.push((overlay("kustomization.yaml"), self.kustomization()));
        files.push((overlay("namespace.yaml"), base::namespace(&self.namespace())));
        for process in self.processes() {
            files.push((overlay(&format!("{}.yaml", process.shape)), process::text(self, process)));
            files.push((overlay(&format!("hosts/{}.toml", process.shape)), hosts::text(self, process)));
        }
        files.push((overlay("network.yaml"), network::text(self)));
        files.push((overlay("stores.yaml"), stores::text(self)));
        files
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

    /// The kinds of store that it stands on, each once.
    fn stores(&self) -> Vec<BackingKind> {
        let mut kinds: Vec<_> = self.arm.backings.iter().map(|need| need.kind).collect();
        kinds.sort();
        kinds.dedup();
        kinds
    }

    /// `shortener-microservices`: two wirings share nothing, so that one can be removed without the other.
    fn namespace(&self) -> String {
        format!("{}-{}", self.system(), self.wiring)
    }

    /// `microservices-links`: what a process's objects are called.
    fn name(&self, process: &str) -> String {
        format!("{}-{process}", self.wiring)
    }

    /// The labels of a process's objects; those of its pods are the same.
    fn labels(&self, process: &str, indent: usize) -> String {
        let lines = [
            format!("app.kubernetes.io/name: {process}"),
            self.instance(),
            format!("app.kubernetes.io/part-of: {}", self.system()),
        ];
        lines.map(|line| format!("{:indent$}{line}", "")).join("\n")
    }

    /// The label that all objects of the wiring share, as YAML: a wiring may be called `true`.
    fn instance(&self) -> String {
        format!("app.kubernetes.io/instance: {}", yaml::scalar(self.wiring))
    }

    fn kustomization(&self) -> String {
        let summary = self.arm.wiring.placement().summary;
        let processes: Vec<_> = self.processes().map(|process| process.shape).collect();
        let resources = processes.iter().map(|name| format!("  - {name}.yaml\n"));
        let maps = processes.iter().map(|name| {
            let map = self.name(name);
            format!("  - name: {map}-host\n    files:\n      - host.toml=hosts/{name}.toml\n")
        });
        format!(
            "# The {system} as `{wiring}`: {summary}.\n\
             # Written by the command below; a test holds every file of this folder to it.\n\
             #   {command}\n\
             apiVersion: kustomize.config.k8s.io/v1beta1\n\
             kind: Kustomization\n\
             namespace: {namespace}\n\
             resources:\n  \
               - ../../base\n  \
               - namespace.yaml\n\
             {resources}  \
               - network.yaml\n  \
               - stores.yaml\n\
             # A map's name ends with a hash of what it holds, so that a changed file starts new pods.\n\
             configMapGenerator:\n\
             {maps}\
             # Where a cluster finds the image: with `newName` that of your registry.\n\
             images:\n  \
               - name: {IMAGE}\n    \
                 newTag: \"{TAG}\"\n",
            system = self.system(),
            wiring = self.wiring,
            namespace = self.namespace(),
            command = self.command,
            resources = resources.collect::<Vec<_>>().concat(),
            maps = maps.collect::<Vec<_>>().concat(),
        )
    }
}
