//! A wiring as files for people: `<system>/<wiring>.yml`, and the files that its services mount.

use std::{collections::BTreeMap, path::Path};

use design::PublicUrl;
use scenario::plan::ArmPlan;

use super::{
    balancer,
    engine::IMAGE,
    project::{Project, Setting, ports},
    text::{Purpose, text},
};
use crate::process::links::ProxiedLinks;

/// The receiver of spans: the Jaeger of `deploy/compose/observability.yml`.
const TRACES: &str = "http://jaeger:4317";

/// From `deploy/compose/<system>` to the project's folder.
const ROOT: &str = "../../..";

/// The options of an export.
pub struct Export<'a> {
    /// The wiring.
    pub arm: &'a ArmPlan,
    /// The prefix of its services' and files' names.
    pub name: &'a str,
    /// The published port of the public API on this machine; where several processes serve it, the first of as many.
    pub port: u16,
    /// The public URLs of the API, in addition to that.
    pub public_urls: &'a [PublicUrl],
    /// The profile of its services, if it has one.
    pub profile: Option<&'a str>,
    /// The command that writes the same files again.
    pub command: &'a str,
}

/// How many ports the public API of an exported wiring has: replicas of the process with all of it are behind one.
pub fn published_ports(arm: &ArmPlan) -> usize {
    if balancer::is_needed(arm) { 1 } else { arm.public().count() }
}

impl Export<'_> {
    /// Every file: path below the output folder, and text.
    pub fn files(&self) -> Vec<(String, String)> {
        let system = self.arm.wiring.system().name;
        let setting = Setting {
            image: IMAGE,
            wiring: self.name,
            folder: format!("{}/", self.name),
            ports: self.ports(),
            public_urls: self.public_urls,
            traces: Some(TRACES.to_owned()),
            cpus: &[],
            links: &ProxiedLinks::default(),
            faults_from: None,
            balanced: true,
        };
        let project = Project::new(self.arm, &setting);
        let about = self.about();
        let purpose = Purpose::Kept {
            about: &about,
            profile: self.profile,
            port: self.port,
            port_variable: &self.port_variable(),
            root: ROOT,
        };
        let compose = (format!("{system}/{}.yml", self.name), text(&project, &purpose));
        let mounted = project.files.into_iter().map(|(name, text)| {
            let about = match Path::new(&name).extension().and_then(|kind| kind.to_str()) {
                Some("sql") => "-- ",
                Some("yaml") => "# Read by Envoy. ",
                _ if name.ends_with("provider.toml") => "# Read by `lab provider`. ",
                _ => "# Read by `lab host`. ",
            };
            let text = format!("{about}Written by `{}`.\n{text}", self.command);
            (format!("{system}/{name}"), text)
        });
        std::iter::once(compose).chain(mounted).collect()
    }

    /// The published ports of its processes, by their names.
    fn ports(&self) -> BTreeMap<String, u16> {
        let mut ports = ports(self.arm, self.port);
        if balancer::is_needed(self.arm) {
            for port in ports.values_mut() {
                *port = self.port;
            }
        }
        ports
    }

    /// `LAB_MONOLITH_LEAN_PORT`.
    fn port_variable(&self) -> String {
        format!("LAB_{}_PORT", self.name.replace('-', "_").to_ascii_uppercase())
    }

    /// Where its public API is, and which variables of the environment choose other ports.
    fn published(&self) -> String {
        let variable = self.port_variable();
        if published_ports(self.arm) == 1 {
            return format!(
                "Its public API is at http://127.0.0.1:{}, and nothing else is published;\n\
                 `{variable}` in the environment chooses another port.",
                self.port
            );
        }
        let about = format!(
            "Its public API is at these ports of 127.0.0.1, and nothing else is published;\n\
             `{variable}`, `{variable}_2` and so on in the environment choose others:"
        );
        let ports = self.arm.public().zip(usize::from(self.port)..);
        let each =
            ports.map(|(process, port)| format!("  {port} {}: {}", process.name, process.paths.join(", ")));
        std::iter::once(about).chain(each).collect::<Vec<_>>().join("\n")
    }

    /// The comment at the top of the compose file.
    fn about(&self) -> String {
        let wiring = &self.arm.wiring;
        let system = wiring.system().name;
        // Each system has some of these axes.
        let told = ["algorithm", "state", "database", "cache", "events", "fanout", "sessions"].into_iter();
        let chosen: Vec<_> = told
            .filter(|axis| !wiring.get(axis).is_empty())
            .map(|axis| format!("{axis} = {}", wiring.get(axis)))
            .collect();
        [
            format!("The {system} as `{}`: {}.", self.name, wiring.placement().summary),
            format!("{}; every axis stands in `{}/*.toml`.", chosen.join(", "), self.name),
            String::new(),
            self.published(),
            "Written by the command below; a test holds this file to it.".to_owned(),
            format!("  {}", self.command),
        ]
        .join("\n")
    }
}
