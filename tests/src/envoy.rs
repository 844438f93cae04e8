//! A real Envoy, and the parts of its configuration that more than one test has.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::edge_suite::eventually;

/// The time limit for Envoy to start.
const UP_WITHIN: Duration = Duration::from_secs(20);

/// Whether Envoy is installed; if not, a message says so.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
pub fn can_be_had() -> bool {
    let there = Command::new("envoy").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return true;
    }
    assert!(std::env::var("CI").is_err(), "CI has to provide `envoy` on the PATH");
    eprintln!("SKIPPED: Envoy. https://www.envoyproxy.io/docs/envoy/latest/start/install");
    false
}

/// A running Envoy. Dropping it kills it.
pub struct Envoy {
    port: u16,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Envoy {
    /// Starts Envoy with the configuration for its port; returns when it listens.
    pub fn start(configuration: impl FnOnce(u16) -> Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let file = folder.path().join("envoy.json");
        std::fs::write(&file, configuration(port).to_string()).expect("a file");
        let child = Command::new("envoy")
            .arg("--config-path")
            .arg(&file)
            .args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let envoy = Self { port, child: child.expect("it starts"), _folder: folder };
        eventually(UP_WITHIN, "Envoy listens", || TcpStream::connect(envoy.address()).ok());
        envoy
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }
}

impl Drop for Envoy {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The type of an extension's configuration.
pub fn typed(name: &str) -> String {
    format!("type.googleapis.com/envoy.extensions.{name}")
}

/// A listener at this port with these HTTP filters before the router, and one route to the cluster `server`.
pub fn listener(port: u16, filters: &[Value], mut route: Value) -> Value {
    route["cluster"] = "server".into();
    let router =
        json!({ "name": "router", "typed_config": { "@type": typed("filters.http.router.v3.Router") } });
    let filters: Vec<_> = filters.iter().cloned().chain([router]).collect();
    let manager = json!({
        "@type": typed("filters.network.http_connection_manager.v3.HttpConnectionManager"),
        "stat_prefix": "any",
        "http_filters": filters,
        "route_config": { "virtual_hosts": [{
            "name": "any",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "route": route }],
        }] },
    });
    json!({
        "address": socket(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        "filter_chains": [{ "filters": [{ "name": "http", "typed_config": manager }] }],
    })
}

/// A cluster of one server.
pub fn cluster(name: &str, address: SocketAddr) -> Value {
    let endpoint = json!({ "endpoint": { "address": socket(address) } });
    json!({
        "name": name,
        "connect_timeout": "5s",
        "load_assignment": { "cluster_name": name, "endpoints": [{ "lb_endpoints": [endpoint] }] },
    })
}

fn socket(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}
