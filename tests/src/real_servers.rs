//! Real servers in a test's own containers, with `testcontainers`, from the images that the compose files
//! name.
//!
//! Dropping a server removes its container, also after a panic; a signal that ends the tests removes all of
//! them.
//! A server keeps its port of the loopback interface over restarts, so the port is not left to the engine.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, TcpListener},
};

use bollard::Docker;
use testcontainers::{
    ContainerAsync, ContainerRequest, GenericImage, ImageExt,
    core::{IntoContainerPort, WaitFor},
    runners::AsyncRunner,
};

use crate::{engine::HOW_TO_GET, skip::skip};

/// The engine's default network, in which servers reach each other.
const NETWORK: &str = "bridge";

/// A request for a server, which a caller may change.
pub type Request = ContainerRequest<GenericImage>;

/// A server in a container. Dropping it removes it.
pub struct Server {
    container: ContainerAsync<GenericImage>,
    engine: Docker,
    port: u16,
}

impl Server {
    /// PostgreSQL with these arguments, without authentication.
    pub async fn postgres(arguments: &[&str]) -> Option<Self> {
        // Only the final server logs this, not the temporary one with which the image initialises its
        // database.
        let ready = WaitFor::message_on_stderr("listening on IPv4 address");
        let command = ["postgres"].into_iter().chain(arguments.iter().copied());
        let open =
            |image: Request, _| image.with_cmd(command).with_env_var("POSTGRES_HOST_AUTH_METHOD", "trust");
        Self::start("postgres", "15-bookworm", 5432, ready, open).await
    }

    /// Redis with these arguments.
    pub async fn redis(arguments: &[&str]) -> Option<Self> {
        let ready = WaitFor::message_on_stdout("Ready to accept connections");
        let command = ["redis-server"].into_iter().chain(arguments.iter().copied());
        Self::start("redis", "7.0-bookworm", 6379, ready, |image, _| image.with_cmd(command)).await
    }

    /// Kafka with one node. Returns before it is ready, because its clients must cope with a broker that
    /// starts.
    pub async fn kafka() -> Option<Self> {
        let one_node = |image: Request, port| {
            let variables = [
                ("NODE_ID", "1"),
                ("PROCESS_ROLES", "broker,controller"),
                ("CONTROLLER_QUORUM_VOTERS", "1@localhost:9093"),
                ("CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
                ("LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093"),
                // The broker directs its clients to this address.
                ("ADVERTISED_LISTENERS", &format!("PLAINTEXT://127.0.0.1:{port}")),
                ("LISTENER_SECURITY_PROTOCOL_MAP", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
                ("OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
                ("TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1"),
                ("TRANSACTION_STATE_LOG_MIN_ISR", "1"),
                ("GROUP_INITIAL_REBALANCE_DELAY_MS", "0"),
                ("HEAP_OPTS", "-Xms256m -Xmx512m"),
            ];
            let set = |image: Request, (name, value)| image.with_env_var(format!("KAFKA_{name}"), value);
            variables.into_iter().fold(image, set)
        };
        Self::start("apache/kafka", "4.3.1", 9092, WaitFor::Nothing, one_node).await
    }

    /// Starts an image that this machine has; `None`, with a message, without an engine or the image.
    async fn start(
        name: &str,
        tag: &str,
        inside: u16,
        ready: WaitFor,
        configure: impl FnOnce(Request, u16) -> Request,
    ) -> Option<Self> {
        let image = format!("{name}:{tag}");
        let found = async {
            let engine = Docker::connect_with_defaults()?;
            // Otherwise the engine would pull a missing image from a registry.
            engine.inspect_image(&image).await.map(|_| engine)
        };
        let engine = match found.await {
            Ok(engine) => engine,
            Err(why) => {
                skip(&format!("the image `{image}` ({why})"), HOW_TO_GET);
                return None;
            }
        };
        let port = free_port();
        let request = GenericImage::new(name, tag)
            .with_wait_for(ready)
            .with_mapped_port(port, inside.tcp())
            .with_network(NETWORK)
            .with_host_config_modifier(|host| {
                // `testcontainers` would publish the port in every network of this machine.
                let bindings =
                    host.port_bindings.iter_mut().flat_map(HashMap::values_mut).flatten().flatten();
                bindings.for_each(|binding| binding.host_ip = Some(Ipv4Addr::LOCALHOST.to_string()));
            });
        let started = configure(request, port).start().await;
        let container = started.unwrap_or_else(|why| panic!("`{image}` does not start: {why}"));
        Some(Self { container, engine, port })
    }

    /// Its port on `127.0.0.1`, the same after restarts.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its address for other containers.
    pub async fn address_for_containers(&self) -> IpAddr {
        self.container.get_bridge_ip_address().await.expect("it is in the engine's own network")
    }

    /// Kills it, like a machine failure.
    pub async fn kill(&self) {
        // The default signal is SIGKILL.
        self.engine.kill_container(self.container.id(), None).await.expect("it runs");
    }

    /// Stops it in order.
    pub async fn stop(&self) {
        self.container.stop().await.expect("it runs");
    }

    /// Starts it again with its disk; returns before it is ready.
    pub async fn start_again(&self) {
        self.container.start().await.expect("it has stopped");
    }

    /// Pauses it: its socket still accepts connections, and nothing responds.
    pub async fn freeze(&self) {
        self.container.pause().await.expect("it runs");
    }

    /// Resumes it.
    pub async fn thaw(&self) {
        self.container.unpause().await.expect("it is frozen");
    }
}

/// A port below the ephemeral range: it must still be free when a killed server returns.
fn free_port() -> u16 {
    let drawn = || 20_000 + (remote::new_span_id() % 12_000) as u16;
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    std::iter::repeat_with(drawn).take(100).find(is_free).expect("a free port")
}
