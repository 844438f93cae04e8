//! `lab export`: a wiring as files, to start containers without the lab.

mod k8s;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use clap::Subcommand;
use design::PublicUrl;
use runtimes::compose::{Export, published_ports};
use scenario::{
    diagnostic::Diagnostic,
    plan::{self, ArmPlan},
    systems,
};

use super::{choices::public_url, wiring_choice::WiringChoice};
use crate::{outcome::Outcome, output};

/// What can be said.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    format: Format,
}

/// What to write.
#[derive(Debug, Subcommand)]
enum Format {
    /// A compose file with a health check for every service, and the files that its services mount
    Compose(Compose),
    /// A kustomize base and an overlay for the wiring
    K8s(k8s::Args),
}

/// The wiring to write down.
#[derive(Debug, clap::Args)]
struct Chosen {
    #[command(flatten)]
    wired: WiringChoice,
    /// What the wiring is called: the names of all that is written begin with it [default: its placement, or the
    /// arm's name]
    #[arg(long, value_name = "NAME", value_parser = name)]
    name: Option<String>,
    /// A URL by which the public knows the API, `https://short.example`; may be repeated
    #[arg(long = "public-url", value_name = "URL", value_parser = public_url)]
    public_urls: Vec<PublicUrl>,
}

/// What can be said of a compose file.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  lab export compose shortener --set placement=microservices\n  lab export compose shortener/clicks --arm kafka\n  lab export compose shortener --name lean --set database=sqlite --out /tmp/lab\n  docker compose -f deploy/compose/shortener/monolith.yml up"
)]
struct Compose {
    #[command(flatten)]
    chosen: Chosen,
    /// The port of this machine at which the public API is published
    #[arg(long, value_name = "PORT", default_value_t = 8080, value_parser = port)]
    port: u16,
    /// The profile that its services belong to, for a file that others are included beside
    #[arg(long, value_name = "NAME", value_parser = name)]
    profile: Option<String>,
    /// The folder to write to
    #[arg(long, value_name = "DIR", default_value = "deploy/compose")]
    out: PathBuf,
}

/// A valid name for hosts and files.
fn name(text: &str) -> Result<String, Diagnostic> {
    let letters = text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase());
    if letters && begins && !text.ends_with('-') && text.len() <= 40 {
        return Ok(text.to_owned());
    }
    Err(Diagnostic::new("expected at most 40 lower-case letters, digits and dashes, such as `monolith-lean`"))
}

/// A port for a file: it must not be 0, because it is published later.
fn port(text: &str) -> Result<u16, Diagnostic> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| Diagnostic::new("expected a port, 1 to 65535").hint("such as `--port 8080`"))
}

impl Args {
    /// Writes the files, and prints their paths.
    pub fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        match &self.format {
            Format::Compose(compose) => compose.run(scenarios),
            Format::K8s(k8s) => k8s.run(scenarios),
        }
    }
}

impl Chosen {
    /// The named wiring.
    fn arm(&self, scenarios: Option<&Path>) -> Result<ArmPlan> {
        let ArmPlan { name: arm, wiring, .. } = self.wired.plan(scenarios)?;
        let of_scenario = systems::find(&self.wired.system).is_none();
        let called = match &self.name {
            Some(called) => called.clone(),
            // A host name cannot contain a dot.
            None if of_scenario => name(&arm.replace('.', "-"))
                .map_err(|fault| fault.hint(format!("name the arm `{arm}` yourself: `--name NAME`")))?,
            None => wiring.placement().name.to_owned(),
        };
        Ok(ArmPlan::new(called, wiring))
    }

    /// The command that writes the same files again, regardless of the folder; `more` comes before the arm
    /// and the axes.
    fn command(&self, format: &str, name: &str, more: &str) -> String {
        let WiringChoice { system, arm, set } = &self.wired;
        let mut words = vec![format!("lab export {format} {system} --name {name}{more}")];
        words.extend(self.public_urls.iter().map(|url| format!("--public-url {}", url.as_str())));
        words.extend(arm.iter().map(|arm| format!("--arm {}", plan::quoted(arm))));
        words.extend(set.iter().map(|(axis, value)| format!("--set {axis}={value}")));
        words.join(" ")
    }
}

/// Writes files below a folder, and prints their paths.
fn write(out: &Path, files: Vec<(String, String)>) -> Result<Outcome> {
    for (name, text) in files {
        let path = out.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        }
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        output::data(&format!("{}\n", path.display()))?;
    }
    Ok(Outcome::Done)
}

impl Compose {
    fn run(&self, scenarios: Option<&Path>) -> Result<Outcome> {
        let arm = self.chosen.arm(scenarios)?;
        let last = usize::from(self.port) + published_ports(&arm) - 1;
        if last > usize::from(u16::MAX) {
            let what = format!(
                "the public API needs the ports {} to {last}, and the last is {}",
                self.port,
                u16::MAX
            );
            return Err(Diagnostic::new(what).hint("choose a lower `--port`").into());
        }
        let profile = self.profile.iter().map(|profile| format!(" --profile {profile}"));
        let more = format!(" --port {}{}", self.port, profile.collect::<String>());
        let export = Export {
            arm: &arm,
            name: &arm.label,
            port: self.port,
            public_urls: &self.chosen.public_urls,
            profile: self.profile.as_deref(),
            command: &self.chosen.command("compose", &arm.label, &more),
        };
        write(&self.out, export.files())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::cli::Cli;

    #[test]
    fn an_arm_of_a_scenario_is_written_under_its_name_with_the_command_that_writes_it_again() {
        let out = tempfile::tempdir().unwrap();
        let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
        let words = ["lab", "export", "compose", "shortener/clicks", "--arm", "kafka", "--set", "cache=none"];
        let folders = ["--scenarios", scenarios, "--out", out.path().to_str().unwrap()];
        Cli::parse_from(words.into_iter().chain(folders)).run().unwrap();
        let text = std::fs::read_to_string(out.path().join("shortener/kafka.yml")).unwrap();
        let again =
            "lab export compose shortener/clicks --name kafka --port 8080 --arm kafka --set cache=none";
        assert!(text.contains(again), "{text}");
        assert!(text.contains("events = kafka") && text.contains("cache = none"), "{text}");
    }

    #[test]
    fn the_process_with_the_edge_is_told_what_it_is_called() {
        let out = tempfile::tempdir().unwrap();
        let words = ["--public-url", "https://Short.example", "--set", "database=postgres", "--name", "own"];
        for format in ["compose", "k8s"] {
            let folders = ["lab", "export", format, "shortener", "--out", out.path().to_str().unwrap()];
            Cli::parse_from(folders.into_iter().chain(words)).run().unwrap();
        }
        let file = |path: &str| std::fs::read_to_string(out.path().join(path)).unwrap();
        let compose = file("shortener/own/shortener.toml");
        let urls = r#"public_urls = ["http://127.0.0.1:8080/", "https://short.example/"]"#;
        assert!(compose.contains(urls), "where it is published, and what it is called: {compose}");
        assert!(compose.contains("--public-url https://short.example/"), "{compose}");
        let pods = file("shortener/overlays/own/hosts/shortener.toml");
        assert!(pods.contains(r#"public_urls = ["https://short.example/"]"#), "{pods}");
    }

    #[test]
    fn processes_that_clients_call_are_each_published_and_let_everybody_in() {
        let out = tempfile::tempdir().unwrap();
        let words = ["--name", "direct", "--set", "database=postgres", "--set", "placement=checkout-apart"];
        for format in ["compose", "k8s"] {
            let folders = ["lab", "export", format, "cart", "--out", out.path().to_str().unwrap()];
            let direct = ["--set", "routing=direct"];
            Cli::parse_from(folders.into_iter().chain(words).chain(direct)).run().unwrap();
        }
        let file = |path: &str| std::fs::read_to_string(out.path().join(path)).unwrap();
        let compose = file("cart/direct.yml");
        for published in ["${LAB_DIRECT_PORT:-8080}:8080", "${LAB_DIRECT_PORT_2:-8081}:8080"] {
            assert!(compose.contains(&format!("\"127.0.0.1:{published}\"")), "{compose}");
        }
        assert!(compose.contains("8081 checkout: /products/{product}/deliveries, /stock"), "{compose}");
        assert!(file("cart/direct/checkout.toml").contains(r#"public_urls = ["http://127.0.0.1:8081/"]"#));
        let provider = |path: &str| {
            file(path).lines().find(|line| line.starts_with("provider = \"http")).map(str::to_owned)
        };
        assert!(provider("cart/direct/checkout.toml").unwrap().ends_with("#http://direct-checkout:8080\""));
        assert_eq!(provider("cart/direct/shop.toml"), None, "it has no webhooks");
        let pods = "cart/overlays/direct";
        let network = file(&format!("{pods}/network.yaml"));
        assert!(
            network.contains("operator: In") && network.contains("- shop\n          - checkout\n"),
            "{network}"
        );
        for process in ["shop", "checkout"] {
            assert!(file(&format!("{pods}/{process}.yaml")).contains("targetPort: public"), "{process}");
        }
        let webhooks = file(&format!("{pods}/provider.yaml"));
        assert!(webhooks.contains("app.kubernetes.io/name: checkout\n"), "{webhooks}");
    }
}
