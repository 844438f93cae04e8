//! Services as the text of a compose file: `lab/runtimes/templates/compose.yaml.j2`, filled.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde_json::json;

use super::{
    network::Network,
    project::{PUBLIC_PORT, Project, Role, limits},
    stale::{OWNER, PROJECT},
};
use crate::yaml;

/// The purpose of a compose file.
pub(super) enum Purpose<'a> {
    /// For people, to start and keep.
    Kept {
        /// The comment at the top.
        about: &'a str,
        /// The profile of every service, if it has one.
        profile: Option<&'a str>,
        /// The default of the public API's published port on this machine; where several processes serve it, of the first.
        port: u16,
        /// The environment variable that overrides it; for the second process it ends with `_2`.
        port_variable: &'a str,
        /// The project's folder relative to the file's, for the image's build.
        root: &'a str,
    },
    /// For one launch.
    Run {
        /// The project's name.
        project: &'a str,
        /// The label value of this lab.
        owner: &'a str,
        /// The network, which the lab created, with the address of each service.
        network: &'a Network,
        /// The processors of every process; stores and brokers are pinned to them when they are healthy.
        cpus: &'a [usize],
        /// The published ports of the public API on this machine, by the places of their processes.
        ports: &'a BTreeMap<usize, u16>,
    },
}

impl Purpose<'_> {
    /// The published port of the process in a place among those that serve the public API, if it has one.
    fn port(&self, place: usize) -> Option<String> {
        match self {
            Self::Kept { port, port_variable, .. } if place == 0 => {
                Some(format!("${{{port_variable}:-{port}}}"))
            }
            Self::Kept { port, port_variable, .. } => {
                Some(format!("${{{port_variable}_{}:-{}}}", place + 1, usize::from(*port) + place))
            }
            Self::Run { ports, .. } => ports.get(&place).map(u16::to_string),
        }
    }

    /// The address of a service, if the lab chose it.
    fn address(&self, service: &str) -> Option<Ipv4Addr> {
        match self {
            Self::Kept { .. } => None,
            Self::Run { network, .. } => network.address(service),
        }
    }
}

/// The whole file.
pub(super) fn text(project: &Project, purpose: &Purpose<'_>) -> String {
    let services: Vec<_> = project
        .services
        .iter()
        .map(|service| {
            let (port, program) = match &service.role {
                Role::Process { public } => (public.and_then(|place| purpose.port(place)), None),
                Role::Backing(_, program) => (None, Some(program)),
                Role::Balancer(program) => (purpose.port(0), Some(program)),
            };
            json!({
                "name": service.name,
                "about": service.about,
                "port": port,
                "program": program,
                "volumes": service.volumes,
                "after": service.after,
                "address": purpose.address(&service.name),
            })
        })
        .collect();
    let all = json!({
        "services": services,
        "process": project.process,
        "volumes": project.volumes,
        "grace_s": limits().grace().as_secs(),
        "public_port": PUBLIC_PORT,
        "owner_label": OWNER,
        "project_label": PROJECT,
    });
    let own = match purpose {
        Purpose::Kept { about, profile, root, .. } => json!({
            "kept": { "about": about, "profile": profile, "root": root },
            "run": null,
            "cpus": "",
        }),
        Purpose::Run { project, owner, network, cpus, .. } => json!({
            "kept": null,
            "run": { "project": project, "owner": owner, "network": network.name },
            "cpus": cpu_set(cpus),
        }),
    };
    yaml::render("compose", [all, own])
}

/// `1,2`, as the engine parses it.
pub(super) fn cpu_set(cpus: &[usize]) -> String {
    cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use design::Wiring;
    use scenario::{plan::ArmPlan, systems};

    use super::*;
    use crate::{
        compose::project::{Setting, service},
        process::links::ProxiedLinks,
    };

    fn microservices(purpose: &Purpose<'_>) -> String {
        let system = systems::find("shortener").unwrap();
        let wiring = Wiring::with(system, [("placement", "microservices")]).unwrap();
        let arm = ArmPlan::new("microservices".to_owned(), wiring);
        let folder = String::new();
        let setting = Setting {
            image: "lab:test",
            wiring: "split",
            folder,
            ports: BTreeMap::new(),
            public_urls: &[],
            traces: None,
            cpus: &[1],
            links: &ProxiedLinks::default(),
            faults_from: None,
            balanced: false,
        };
        text(&Project::new(&arm, &setting), purpose)
    }

    #[test]
    fn a_run_pins_and_labels_and_lets_the_engine_check_nothing() {
        let services = ["clicks", "links", "gateway"].map(|name| service("split", name)).to_vec();
        let network = Network::with("lab-7-1", [172, 18, 0, 1].into(), services);
        let (cpus, ports) = (&[1, 2], &BTreeMap::new());
        let purpose = Purpose::Run { project: "lab-7-1", owner: "7-99", network: &network, cpus, ports };
        insta::assert_snapshot!(microservices(&purpose));
    }

    #[test]
    fn a_kept_project_checks_health_and_publishes_on_loopback_alone() {
        let about = "Two lines,\nfor people.";
        let purpose = Purpose::Kept {
            about,
            profile: Some("split"),
            port: 8086,
            port_variable: "LAB_SPLIT_PORT",
            root: "../../..",
        };
        insta::assert_snapshot!(microservices(&purpose));
    }

    #[test]
    fn every_process_is_given_time_to_go() {
        let limits = limits();
        // The lame duck, the drain, background tasks, and spans.
        let needed = limits.lame_duck() + limits.drain() + Duration::from_secs(5 + 1);
        assert!(limits.grace() > needed, "{limits:?}");
        let purpose = Purpose::Kept {
            about: "",
            profile: None,
            port: 8086,
            port_variable: "LAB_SPLIT_PORT",
            root: "../../..",
        };
        let text = microservices(&purpose);
        assert!(text.contains(&format!("stop_grace_period: {}s\n", limits.grace().as_secs())), "{text}");
    }

    #[test]
    fn a_profile_is_a_word_whatever_it_is_called() {
        for (name, written) in [("split", "[split]"), ("true", "[\"true\"]"), ("no", "[\"no\"]")] {
            let purpose = Purpose::Kept {
                about: "",
                profile: Some(name),
                port: 8086,
                port_variable: "LAB_SPLIT_PORT",
                root: "../../..",
            };
            let text = microservices(&purpose);
            assert!(text.contains(&format!("\n  profiles: {written}\n")), "{text}");
        }
    }
}
