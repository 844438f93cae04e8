//! Monitoring: the processes serve every metric of a dashboard, Prometheus finds them, and no panel stays
//! empty.
//!
//! Two tests need Prometheus and its `promtool`; without these a message says so, and they fail if `CI` is
//! set.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::BTreeSet,
    fs,
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::sys::signal::Signal;
use serde_json::Value;
use system_tests::{
    command::{Desk, Running},
    dashboards::{
        alerts, dashboards, expressions, list, metrics_of, observability, panels, read, text, variables,
    },
    edge_suite::eventually,
    tree::root,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// The time limit of one page, or of one reply of Prometheus.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The time limit for every panel to have data: some scrapes, a second apart.
const SHOWN_WITHIN: Duration = Duration::from_secs(40);

/// Metrics that the wiring of these tests does not serve, with the reason why a dashboard uses them.
const OF_OTHER_WIRINGS: [(&str, &str); 2] = [
    ("breaker_state", "of a value of `resilience` with breakers"),
    ("redis_errors_total", "of `cache=redis` and `cache=tiered`, which need Redis"),
];

/// Metrics that Prometheus itself adds for each target.
const OF_PROMETHEUS: [&str; 2] = ["up", "scrape_duration_seconds"];

#[test]
fn every_dashboard_teaches_and_finds_its_figures() {
    let sources = read(&observability().join("grafana/provisioning/datasources/lab.yml"));
    let mut ids = BTreeSet::new();
    for (name, dashboard) in dashboards() {
        assert!(ids.insert(text(&dashboard, "uid").to_owned()), "`{name}`: a `uid` of its own");
        assert!(!text(&dashboard, "uid").is_empty() && !text(&dashboard, "title").is_empty(), "`{name}`");
        assert!(dashboard["schemaVersion"].as_u64().is_some_and(|version| version >= 39), "`{name}`");
        assert!(text(&dashboard, "description").len() > 40, "`{name}`: what is it for?");
        assert!(panels(&dashboard).count() >= 6, "`{name}` has too few panels");
        let mut known = BTreeSet::new();
        for panel in list(&dashboard, "panels") {
            assert!(known.insert(panel["id"].as_u64().unwrap()), "`{name}`: an id is there twice: {panel}");
            assert!(!text(panel, "title").is_empty(), "`{name}`: {panel}");
            let place = &panel["gridPos"];
            let right = place["x"].as_u64().unwrap() + place["w"].as_u64().unwrap();
            assert!(right <= 24, "`{name}`: wider than the page: {panel}");
        }
        for panel in panels(&dashboard) {
            let place = format!("`{name}`: {}", text(panel, "title"));
            assert!(text(panel, "description").len() > 40, "{place}: what is there to look at?");
            let states = text(panel, "type") == "state-timeline";
            let unit = text(&panel["fieldConfig"]["defaults"], "unit");
            assert!(states || !unit.is_empty(), "{place}: a figure has a unit");
            assert!(!list(panel, "targets").is_empty(), "{place} shows nothing");
            for source in list(panel, "targets").iter().chain([panel]) {
                let uid = text(&source["datasource"], "uid");
                assert!(sources.contains(&format!("    uid: {uid}\n")), "{place}: nobody provides `{uid}`");
            }
            for target in list(panel, "targets") {
                assert!(text(target, "legendFormat").contains("{{"), "{place}: whose figures are these?");
            }
        }
    }
}

/// The names of a folder's entries with this extension, without it; of its folders, if it is empty.
fn names(folder: &Path, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.unwrap().path());
    let of_kind = paths.filter(|path| path.extension().unwrap_or_default() == extension);
    let of_kind = of_kind.filter(|path| path.is_dir() == extension.is_empty());
    of_kind.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn every_process_in_a_container_is_watched_and_no_other() {
    let compose = root().join("deploy/compose");
    let systems = names(&compose, "");
    assert!(systems.contains("shortener"), "{systems:?}");
    assert_eq!(systems, names(&observability().join("targets"), "yml"), "each system has a file of targets");
    for system in systems {
        let wirings = names(&compose.join(&system), "");
        let processes = wirings.iter().flat_map(|wiring| {
            let files = names(&compose.join(&system).join(wiring), "toml").into_iter();
            // The provider is another company's software.
            let own = files.filter(|file| file != "provider");
            own.map(move |process| format!("{wiring}-{process}:9000"))
        });
        let processes: BTreeSet<_> = processes.collect();
        assert!(processes.len() >= wirings.len() && wirings.len() >= 2, "{processes:?}");
        let targets = read(&observability().join(format!("targets/{system}.yml")));
        let lines = targets.lines().filter(|line| line.starts_with("- "));
        let targets: BTreeSet<_> = lines
            .inspect(|line| assert!(line.contains(&format!("system: {system} ")), "{line}"))
            .flat_map(|line| line.split('"').skip(1).step_by(2).map(str::to_owned))
            .collect();
        assert_eq!(targets, processes, "`{system}`: a line for each wiring in {}", compose.display());
    }
}

// ---- What they ask for ----

#[test]
fn every_metric_that_is_asked_for_is_served() {
    let desk = Desk::new(PROGRAM);
    let wiring = Wiring::start(&desk);
    // Metrics of requests and hops appear with the first one: this one calls another process for a missing
    // link.
    let public = wiring.url.trim_start_matches("http://").trim_end_matches('/').parse().unwrap();
    assert!(get(public, "/never-was").is_err(), "it is a 404");
    let mut served: BTreeSet<String> = OF_PROMETHEUS.map(str::to_owned).into();
    for (_, address) in &wiring.processes {
        let page = get(*address, "/metrics").unwrap();
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        served.extend(samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()));
    }
    wiring.stop();
    let others: BTreeSet<_> = OF_OTHER_WIRINGS.iter().map(|(name, _)| *name).collect();
    let asked = expressions().into_iter().chain(alerts());
    let asked = asked.chain(variables().into_iter().map(|(place, series, _)| (place, series)));
    let mut unknown = Vec::new();
    let mut used = BTreeSet::new();
    for (place, expression) in asked {
        for name in metrics_of(&expression) {
            if !served.contains(&name) && !others.contains(name.as_str()) {
                unknown.push(format!("{place}: `{name}`"));
            }
            used.insert(name);
        }
    }
    assert!(unknown.is_empty(), "nobody serves:\n  {}\nserved are {served:#?}", unknown.join("\n  "));
    assert!(used.len() > 10, "only {used:?} were found");
    for name in others {
        assert!(used.contains(name), "nothing asks for `{name}`, so it need not be excused");
        assert!(!served.contains(name), "`{name}` is served, so it need not be excused");
    }
}

#[test]
fn every_metric_is_described_once_on_a_page() {
    for (system, axes) in [
        ("shortener", &["cache=local", "database=sqlite"][..]),
        ("shortener", &["placement=microservices", "cache=local"]),
        ("limiter", &["state=local"]),
        ("chain", &["depth=3"]),
        ("cart", &["placement=monolith"]),
        ("cart", &["placement=microservices"]),
        ("chat", &["placement=monolith"]),
        ("chat", &["placement=microservices", "fanout=redis"]),
    ] {
        let desk = Desk::new(PROGRAM);
        let wiring = Wiring::of(&desk, system, axes);
        assert!(!wiring.processes.is_empty(), "{system} {axes:?}");
        for (process, address) in &wiring.processes {
            let page = get(*address, "/metrics").unwrap();
            let described: Vec<_> = page.lines().filter(|line| line.starts_with("# TYPE ")).collect();
            let once: BTreeSet<_> = described.iter().collect();
            assert!(described.len() > 5, "{page}");
            assert_eq!(once.len(), described.len(), "`{process}` of {system} {axes:?}: {described:#?}");
        }
        wiring.stop();
    }
}

// ---- A wiring that is up ----

/// Microservices with an event log and a cache: a wiring that serves nearly every metric.
struct Wiring<'a> {
    running: Running<'a>,
    desk: &'a Desk,
    url: String,
    /// Its processes, each with the address of its metrics.
    processes: Vec<(String, SocketAddr)>,
}

impl<'a> Wiring<'a> {
    fn start(desk: &'a Desk) -> Self {
        let axes = ["placement=microservices", "events=kafka", "cache=local", "database=sqlite"];
        let wiring = Self::of(desk, "shortener", &axes);
        assert_eq!(wiring.processes.len(), 3, "a gateway, links and clicks: {:?}", wiring.processes);
        wiring
    }

    fn of(desk: &'a Desk, system: &str, axes: &[&str]) -> Self {
        let mut arguments = vec!["up", system];
        arguments.extend(axes.iter().flat_map(|axis| ["--set", axis]));
        let mut running = desk.start(&arguments);
        running.says("Ctrl-C stops it");
        let out = running.out();
        let api = out.lines().find_map(|line| line.strip_prefix("public API"));
        let url = api.expect("it says where it is").trim().to_owned();
        let processes = out.lines().filter_map(|line| {
            let (before, after) = line.split_once("metrics http://")?;
            let name = before.split_whitespace().next()?.to_owned();
            Some((name, after.strip_suffix("/metrics")?.parse().unwrap()))
        });
        let processes: Vec<_> = processes.collect();
        Self { running, desk, url, processes }
    }

    fn stop(self) {
        self.running.signal(Signal::SIGINT);
        let ended = self.running.end();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        self.desk.is_tidy();
    }
}

/// `GET` over HTTP/1.0, where the end of the connection ends the reply; returns the body of a 200.
fn get(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n").as_bytes())?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    let (head, body) = reply.split_once("\r\n\r\n").unwrap_or_default();
    let is_ok = head.split(' ').nth(1) == Some("200");
    is_ok.then(|| body.to_owned()).ok_or_else(|| std::io::Error::other(format!("{path}: {reply}")))
}

// ---- A Prometheus that is up ----

/// Starts one of Prometheus's programs; `None`, with a message, if it is not installed.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn start(command: &mut Command) -> Option<Child> {
    match command.spawn() {
        Ok(child) => Some(child),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            assert!(std::env::var("CI").is_err(), "CI has to provide Prometheus: {command:?}");
            eprintln!(
                "SKIPPED: no {command:?}. Install Debian's `prometheus`, or https://prometheus.io/download"
            );
            None
        }
        Err(error) => panic!("{command:?}: {error}"),
    }
}

#[test]
fn what_prometheus_reads_is_valid_and_the_alerts_speak_when_they_should() {
    for check in [["check", "config", "prometheus.yml"], ["test", "rules", "alerts.test.yml"]] {
        let mut promtool = Command::new("promtool");
        promtool.args(check).current_dir(observability()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let Some(child) = start(&mut promtool) else { return };
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{check:?}: {ended:?}");
    }
}

/// The real program with the real configuration, except for the addresses, which are those of a running
/// wiring, and a scrape interval of a second.
struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Prometheus {
    fn watch(wiring: &Wiring<'_>) -> Option<Self> {
        let folder = wiring.desk.path("prometheus");
        let config = read(&observability().join("prometheus.yml"));
        let quick = config
            .replace("scrape_interval: 5s", "scrape_interval: 1s")
            .replace("scrape_timeout: 2s", "scrape_timeout: 1s");
        assert_ne!(config, quick, "the interval is set");
        wiring.desk.write("prometheus/prometheus.yml", &quick);
        wiring.desk.write("prometheus/alerts.yml", &read(&observability().join("alerts.yml")));
        let targets: Vec<_> = wiring
            .processes
            .iter()
            .map(|(process, address)| {
                serde_json::json!({
                    "labels": { "system": "shortener", "arm": "microservices", "process": process },
                    "targets": [address.to_string()],
                })
            })
            .collect();
        wiring.desk.write("prometheus/targets/shortener.yml", &serde_json::to_string(&targets).unwrap());
        // If another program takes the port in between, this test fails.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut program = Command::new("prometheus");
        program
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error");
        Some(Self { child: start(&mut program)?, address })
    }

    /// The reply to a query of its API.
    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Option<Value> {
        let query: Vec<_> =
            parameters.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
        let reply = get(self.address, &format!("/api/v1/{path}?{}", query.join("&"))).ok()?;
        let reply: Value = serde_json::from_str(&reply).unwrap();
        assert_eq!(reply["status"], "success", "{reply}");
        Some(reply["data"].clone())
    }

    /// The current number of series of an expression.
    fn series(&self, expression: &str) -> usize {
        let data = self.ask("query", &[("query", expression)]);
        data.map_or(0, |data| list(&data, "result").len())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn escaped(text: &str) -> String {
    text.bytes().flat_map(|byte| ['%', hex(byte >> 4), hex(byte & 15)]).collect()
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap()
}

/// An expression as Grafana would send it.
fn chosen(expression: &str) -> String {
    let choices = [("$__rate_interval", "10s"), ("$system", "shortener"), ("$arm", ".+"), ("$process", ".+")];
    choices.iter().fold(expression.to_owned(), |text, (name, value)| text.replace(name, value))
}

#[test]
fn no_panel_stays_empty_while_a_system_is_used() {
    let desk = Desk::new(PROGRAM);
    let wiring = Wiring::start(&desk);
    let Some(prometheus) = Prometheus::watch(&wiring) else { return wiring.stop() };
    let load = desk.start(&[
        "load",
        "--system",
        "shortener",
        "--url",
        &wiring.url,
        "--rate",
        "50",
        "--for",
        "30s",
        "--links",
        "50",
    ]);
    eventually(SHOWN_WITHIN, "every process is asked, and answers", || {
        (prometheus.series("up == 1 and count_over_time(up[1m]) >= 3") == wiring.processes.len())
            .then_some(())
    });
    let others = OF_OTHER_WIRINGS.map(|(name, _)| name);
    let mut shown = 0;
    for (place, expression) in expressions() {
        if metrics_of(&expression).iter().all(|name| !others.contains(&name.as_str())) {
            let expression = chosen(&expression);
            eventually(SHOWN_WITHIN, &format!("{place} shows something: {expression}"), || {
                (prometheus.series(&expression) > 0).then_some(())
            });
            shown += 1;
        }
    }
    assert!(shown > 45, "only {shown} were tried");
    for (place, series, label) in variables() {
        let values = prometheus.ask(&format!("label/{label}/values"), &[("match[]", &chosen(&series))]);
        assert!(
            values.is_some_and(|values| !values.as_array().unwrap().is_empty()),
            "{place} has no choices"
        );
    }
    for (place, expression) in alerts() {
        // A condition that holds for a moment only, such as a late scrape, is not an alert.
        eventually(SHOWN_WITHIN, &format!("{place}: nothing is wrong"), || {
            (prometheus.series(&expression) == 0).then_some(())
        });
    }
    load.signal(Signal::SIGINT);
    let ended = load.end();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    drop(prometheus);
    wiring.stop();
}
