//! Services as the text of a compose file, as a person would write it.

use std::fmt::Write;

use super::{
    project::{PUBLIC_PORT, Program, Project, Role, Service, limits},
    stale::{OWNER, PROJECT},
};
use crate::yaml;

/// What a compose file is for.
pub(super) enum Purpose<'a> {
    /// For people to start and keep.
    Kept {
        /// Comment lines at the top.
        about: &'a [String],
        /// The profile of every service, if it has one.
        profile: Option<&'a str>,
        /// The port of this machine at which the public API is published, where the environment chooses no other.
        port: u16,
        /// The variable of the environment by which it does.
        port_variable: &'a str,
        /// From the file's folder to that of the project, for the image's build.
        root: &'a str,
    },
    /// For one launch.
    Run {
        /// The project's own name.
        project: &'a str,
        /// The lab, as a later one knows it.
        owner: &'a str,
        /// The network, which the lab made.
        network: &'a str,
        /// The processors of every process; stores and brokers are bound to them when they are well.
        cpus: &'a [usize],
        /// The port of this machine at which the public API is published, if it is.
        port: Option<u16>,
    },
}

/// The whole file.
pub(super) fn text(project: &Project, purpose: &Purpose<'_>) -> String {
    let mut text = String::new();
    if let Purpose::Kept { about, .. } = purpose {
        for line in *about {
            line_of(&mut text, 0, &if line.is_empty() { "#".to_owned() } else { format!("# {line}") });
        }
        text.push('\n');
    }
    text.push_str(&shared(project, purpose));
    text.push_str("\nservices:\n");
    let services: Vec<_> = project.services.iter().map(|service| of_service(service, purpose)).collect();
    text.push_str(&services.join("\n"));
    volumes(&mut text, project, purpose);
    if let Purpose::Run { network, .. } = purpose {
        let _ = write!(text, "\nnetworks:\n  default:\n    name: {network}\n    external: true\n");
    }
    text
}

fn line_of(text: &mut String, indent: usize, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:indent$}{line}", "");
}

/// What every service has, and what every service process has.
fn shared(project: &Project, purpose: &Purpose<'_>) -> String {
    let mut text = "x-confined: &confined\n  # No right is held, and none can be won.\n".to_owned();
    line_of(&mut text, 2, "cap_drop: [ALL]");
    line_of(&mut text, 2, "security_opt: [\"no-new-privileges:true\"]");
    line_of(&mut text, 2, &format!("stop_grace_period: {}s", limits().grace().as_secs()));
    match purpose {
        Purpose::Kept { profile, .. } => {
            line_of(&mut text, 2, "restart: unless-stopped");
            if let Some(profile) = profile {
                line_of(&mut text, 2, &format!("profiles: {}", list(&[profile])));
            }
        }
        Purpose::Run { .. } => {
            line_of(&mut text, 2, &labels(purpose));
            line_of(&mut text, 2, "restart: \"no\"");
        }
    }
    text.push_str("\nx-process: &process\n  <<: *confined\n");
    if let Purpose::Kept { root, .. } = purpose {
        line_of(&mut text, 2, &format!("build: {{context: {root}, dockerfile: deploy/docker/Dockerfile}}"));
    }
    program(&mut text, 2, &project.process, purpose);
    if let Purpose::Run { cpus, .. } = purpose
        && !cpus.is_empty()
    {
        line_of(&mut text, 2, &format!("cpuset: \"{}\"", cpu_set(cpus)));
    }
    line_of(&mut text, 2, "# What is still starting can be stopped as well.");
    line_of(&mut text, 2, "init: true");
    text
}

/// `1,2`, as the engine reads it.
pub(super) fn cpu_set(cpus: &[usize]) -> String {
    cpus.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

/// The labels by which a later lab finds what this one left.
fn labels(purpose: &Purpose<'_>) -> String {
    match purpose {
        Purpose::Kept { .. } => String::new(),
        Purpose::Run { project, owner, .. } => {
            format!("labels: {{{OWNER}: \"{owner}\", {PROJECT}: \"{project}\"}}")
        }
    }
}

fn program(text: &mut String, indent: usize, program: &Program, purpose: &Purpose<'_>) {
    line_of(text, indent, &format!("image: {}", quoted(&program.image)));
    if let Some(user) = program.user {
        line_of(text, indent, &format!("user: {user}"));
    }
    if !program.command.is_empty() {
        line_of(text, indent, &format!("command: {}", list(&program.command)));
    }
    if !program.environment.is_empty() {
        line_of(text, indent, "environment:");
        for (key, value) in &program.environment {
            line_of(text, indent + 2, &format!("{key}: {}", quoted(value)));
        }
    }
    if program.read_only {
        line_of(text, indent, "read_only: true");
    }
    line_of(text, indent, &format!("tmpfs: {}", list(&program.tmpfs)));
    line_of(text, indent, &format!("mem_limit: {}", program.memory));
    health(text, indent, program, purpose);
}

fn of_service(service: &Service, purpose: &Purpose<'_>) -> String {
    let mut text = String::new();
    for line in wrapped(&service.about) {
        line_of(&mut text, 2, &format!("# {line}"));
    }
    line_of(&mut text, 2, &format!("{}:", service.name));
    match &service.role {
        Role::Process { .. } => line_of(&mut text, 4, "<<: *process"),
        Role::Backing(_, own) => {
            line_of(&mut text, 4, "<<: *confined");
            program(&mut text, 4, own, purpose);
        }
    }
    if !service.volumes.is_empty() {
        line_of(&mut text, 4, "volumes:");
        for volume in &service.volumes {
            line_of(&mut text, 6, &format!("- {}", quoted(volume)));
        }
    }
    ports(&mut text, service, purpose);
    after(&mut text, service, purpose);
    text
}

fn ports(text: &mut String, service: &Service, purpose: &Purpose<'_>) {
    let port = match purpose {
        Purpose::Kept { port, port_variable, .. } => Some(format!("${{{port_variable}:-{port}}}")),
        Purpose::Run { port, .. } => port.map(|port| port.to_string()),
    };
    if let (Role::Process { edge: true }, Some(port)) = (&service.role, port) {
        line_of(text, 4, "ports:");
        line_of(text, 6, &format!("- \"127.0.0.1:{port}:{PUBLIC_PORT}\""));
    }
}

/// In a run the order is for the end alone: who calls is stopped before who is called.
fn after(text: &mut String, service: &Service, purpose: &Purpose<'_>) {
    if service.after.is_empty() {
        return;
    }
    let condition = match purpose {
        Purpose::Kept { .. } => "service_healthy",
        Purpose::Run { .. } => "service_started",
    };
    line_of(text, 4, "depends_on:");
    for name in &service.after {
        line_of(text, 6, &format!("{name}: {{condition: {condition}}}"));
    }
}

/// In a run the lab asks itself, and only until a service is well: the engine's checks would cost CPU for good.
fn health(text: &mut String, indent: usize, program: &Program, purpose: &Purpose<'_>) {
    line_of(text, indent, "healthcheck:");
    match purpose {
        Purpose::Run { .. } => line_of(text, indent + 2, "disable: true"),
        Purpose::Kept { .. } => {
            let words: Vec<_> =
                std::iter::once("CMD").chain(program.health.iter().map(String::as_str)).collect();
            line_of(text, indent + 2, &format!("test: {}", list(&words)));
            line_of(text, indent + 2, "interval: 5s");
            line_of(text, indent + 2, "timeout: 5s");
            line_of(text, indent + 2, "retries: 12");
        }
    }
}

fn volumes(text: &mut String, project: &Project, purpose: &Purpose<'_>) {
    if project.volumes.is_empty() {
        return;
    }
    text.push_str("\nvolumes:\n");
    for volume in &project.volumes {
        line_of(text, 2, &format!("{volume}:"));
        if let Purpose::Run { .. } = purpose {
            line_of(text, 4, &labels(purpose));
        }
    }
}

/// `[one, "two words"]`.
fn list(words: &[impl AsRef<str>]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

/// A word as a YAML scalar, for compose, which reads `$$` as `$`.
fn quoted(word: &str) -> String {
    yaml::scalar(&word.replace('$', "$$"))
}

/// A comment in lines of at most 100 characters.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if lines[last].len() + word.len() > 96 {
            lines.push(word.to_owned());
        } else {
            let gap = if lines[last].is_empty() { "" } else { " " };
            lines[last] = format!("{}{gap}{word}", lines[last]);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runtime::Wiring;

    use super::*;
    use crate::{compose::project::Setting, plan::ArmPlan, systems};

    fn microservices(purpose: &Purpose<'_>) -> String {
        let system = systems::find("shortener").unwrap();
        let wiring = Wiring::with(system, [("placement", "microservices")]).unwrap();
        let arm = ArmPlan::new("microservices".to_owned(), wiring);
        let folder = String::new();
        let setting = Setting {
            image: "lab:test",
            wiring: "split",
            folder,
            public_urls: Vec::new(),
            traces: None,
            cpus: &[1],
        };
        text(&Project::new(&arm, &setting), purpose)
    }

    #[test]
    fn a_run_pins_and_labels_and_lets_the_engine_check_nothing() {
        let purpose =
            Purpose::Run { project: "lab-7-1", owner: "7-99", network: "lab-7-1", cpus: &[1, 2], port: None };
        insta::assert_snapshot!(microservices(&purpose));
    }

    #[test]
    fn a_kept_project_checks_health_and_publishes_on_loopback_alone() {
        let about = ["Two lines,".to_owned(), "for people.".to_owned()];
        let purpose = Purpose::Kept {
            about: &about,
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
        // As a lame duck, until the last reply, for what goes on beside requests, for spans.
        let needed = limits.lame_duck() + limits.drain() + Duration::from_secs(5 + 1);
        assert!(limits.grace() > needed, "{limits:?}");
        let purpose = Purpose::Kept {
            about: &[],
            profile: None,
            port: 8086,
            port_variable: "LAB_SPLIT_PORT",
            root: "../../..",
        };
        let text = microservices(&purpose);
        assert!(text.contains(&format!("stop_grace_period: {}s\n", limits.grace().as_secs())), "{text}");
    }

    #[test]
    fn a_dollar_is_one_for_compose_too() {
        assert_eq!(quoted("$HOME"), "\"$$HOME\"", "compose would put a variable there");
    }

    #[test]
    fn a_profile_is_a_word_whatever_it_is_called() {
        for (name, written) in [("split", "[split]"), ("true", "[\"true\"]"), ("no", "[\"no\"]")] {
            let purpose = Purpose::Kept {
                about: &[],
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
