//! Services as the text of a compose file, as a person would write it.

use std::fmt::Write;

use super::{
    engine::IMAGE,
    project::{GRACE, PUBLIC_PORT, Project, Role, Service},
    stale::{OWNER, PROJECT},
};

/// What a compose file is for.
pub(super) enum Purpose<'a> {
    /// For people to start and keep.
    Kept {
        /// Comment lines at the top.
        about: &'a [String],
        /// The profile of every service, if it has one.
        profile: Option<&'a str>,
        /// The port of this machine at which the public API is published.
        port: u16,
        /// From the file's folder to that of the project, for the image's build.
        root: &'a str,
    },
    /// For one launch.
    Run {
        /// The project's own name.
        project: &'a str,
        /// The lab, as a later one knows it.
        owner: &'a str,
        /// The image of the service processes.
        image: &'a str,
        /// The network, which the lab made.
        network: &'a str,
        /// The processors of every service.
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
    text.push_str(&shared(purpose));
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
fn shared(purpose: &Purpose<'_>) -> String {
    let mut text = "x-confined: &confined\n  # No right is held, and none can be won.\n  cap_drop: [ALL]\n  \
                    security_opt: [\"no-new-privileges:true\"]\n"
        .to_owned();
    let image = match purpose {
        Purpose::Kept { root, profile, .. } => {
            if let Some(profile) = profile {
                line_of(&mut text, 2, &format!("profiles: [{profile}]"));
            }
            line_of(&mut text, 2, "restart: unless-stopped");
            format!("{IMAGE}\n  build:\n    context: {root}\n    dockerfile: deploy/docker/Dockerfile")
        }
        Purpose::Run { project, owner, cpus, image, .. } => {
            line_of(&mut text, 2, &format!("labels: {{{OWNER}: \"{owner}\", {PROJECT}: \"{project}\"}}"));
            line_of(&mut text, 2, "restart: \"no\"");
            if !cpus.is_empty() {
                let cpus: Vec<_> = cpus.iter().map(ToString::to_string).collect();
                line_of(&mut text, 2, &format!("cpuset: \"{}\"", cpus.join(",")));
            }
            quoted(image)
        }
    };
    let _ = write!(
        text,
        "\nx-process: &process\n  <<: *confined\n  image: {image}\n  # What is still starting can be stopped as well.\n  init: true\n"
    );
    text
}

fn of_service(service: &Service, purpose: &Purpose<'_>) -> String {
    let mut text = String::new();
    for line in wrapped(&service.about) {
        line_of(&mut text, 2, &format!("# {line}"));
    }
    line_of(&mut text, 2, &format!("{}:", service.name));
    match (service.role, service.image) {
        (Role::Backing(_), Some(image)) => {
            line_of(&mut text, 4, "<<: *confined");
            line_of(&mut text, 4, &format!("image: {image}"));
        }
        _ => line_of(&mut text, 4, "<<: *process"),
    }
    if let Some(user) = service.user {
        line_of(&mut text, 4, &format!("user: {user}"));
    }
    if !service.command.is_empty() {
        line_of(&mut text, 4, &format!("command: {}", list(&service.command)));
    }
    if !service.environment.is_empty() {
        line_of(&mut text, 4, "environment:");
        for (key, value) in &service.environment {
            line_of(&mut text, 6, &format!("{key}: {}", quoted(value)));
        }
    }
    if !service.volumes.is_empty() {
        line_of(&mut text, 4, "volumes:");
        for volume in &service.volumes {
            line_of(&mut text, 6, &format!("- {}", quoted(volume)));
        }
    }
    if service.read_only {
        line_of(&mut text, 4, "read_only: true");
    }
    line_of(&mut text, 4, &format!("tmpfs: {}", list(&service.tmpfs)));
    ports(&mut text, service, purpose);
    after(&mut text, service, purpose);
    health(&mut text, service, purpose);
    line_of(&mut text, 4, &format!("mem_limit: {}", service.memory));
    line_of(&mut text, 4, &format!("stop_grace_period: {GRACE}"));
    text
}

fn ports(text: &mut String, service: &Service, purpose: &Purpose<'_>) {
    let port = match purpose {
        Purpose::Kept { port, .. } => Some(*port),
        Purpose::Run { port, .. } => *port,
    };
    if let (Role::Process { edge: true }, Some(port)) = (service.role, port) {
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
fn health(text: &mut String, service: &Service, purpose: &Purpose<'_>) {
    line_of(text, 4, "healthcheck:");
    match purpose {
        Purpose::Run { .. } => line_of(text, 6, "disable: true"),
        Purpose::Kept { .. } => {
            let words: Vec<_> =
                std::iter::once("CMD".to_owned()).chain(service.health.iter().cloned()).collect();
            line_of(text, 6, &format!("test: {}", list(&words)));
            line_of(text, 6, "interval: 2s");
            line_of(text, 6, "timeout: 5s");
            line_of(text, 6, "retries: 30");
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
        if let Purpose::Run { project, owner, .. } = purpose {
            line_of(text, 4, &format!("labels: {{{OWNER}: \"{owner}\", {PROJECT}: \"{project}\"}}"));
        }
    }
}

/// `[one, "two words"]`.
fn list(words: &[impl AsRef<str>]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word.as_ref())).collect();
    format!("[{}]", words.join(", "))
}

/// A word as a YAML scalar: bare where that can mean nothing else.
fn quoted(word: &str) -> String {
    let first = word.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || "./".contains(c));
    let bare = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./=@".contains(c))
        || word.split(':').all(|part| {
            part.len() > 1 && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        });
    let means_something = ["true", "false", "yes", "no", "on", "off", "null"].contains(&word);
    if first && bare && !means_something {
        word.to_owned()
    } else {
        // A YAML double-quoted scalar reads every JSON string; compose reads `$$` as `$`.
        serde_json::to_string(&word.replace('$', "$$")).unwrap_or_default()
    }
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
    use super::*;

    #[test]
    fn a_word_is_bare_only_where_it_can_mean_nothing_else() {
        assert_eq!(quoted("postgres:15-bookworm"), "postgres:15-bookworm");
        assert_eq!(quoted("max_connections=200"), "max_connections=200");
        for word in ["", "-c", "true", "1", "a: b", "22:22", "#no", "PLAINTEXT://:9092"] {
            assert_eq!(quoted(word), format!("\"{word}\""));
        }
        assert_eq!(quoted("$HOME"), "\"$$HOME\"", "compose would put a variable there");
    }
}
