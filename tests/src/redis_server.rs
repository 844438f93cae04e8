//! A test's own Redis server, which it may kill, freeze, flush and restart.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpStream},
    time::Duration,
};

use crate::{edge_suite::eventually, real_servers::Server};

/// The time limit of a server's reply to a test, with a margin for a busy machine.
pub const PATIENT: Duration = Duration::from_secs(20);

/// The hash slots of a cluster.
const SLOTS: u16 = 16_384;

/// A server in a container, without persistence. Dropping it removes it.
pub struct RedisServer(Server);

impl RedisServer {
    /// Starts a server; `None`, with a message, without an engine.
    pub async fn start() -> Option<Self> {
        Self::start_with("no").await
    }

    /// Starts the single node of a cluster, with all slots; `None` without an engine.
    pub async fn start_cluster() -> Option<Self> {
        let node = Self::start_node(&[(0, SLOTS - 1)]).await?;
        node.is_whole();
        Some(node)
    }

    /// Starts two nodes of a cluster: the first has one slot, and the second all others.
    pub async fn start_cluster_of_two(slot: u16) -> Option<[Self; 2]> {
        let one = Self::start_node(&[(slot, slot)]).await?;
        let other = Self::start_node(&[(0, slot - 1), (slot + 1, SLOTS - 1)]).await?;
        one.ask(&format!("CLUSTER MEET {}", other.address_for_servers().await));
        one.is_whole();
        other.is_whole();
        Some([one, other])
    }

    async fn start_node(slots: &[(u16, u16)]) -> Option<Self> {
        let node = Self::start_with("yes").await?;
        for (first, last) in slots {
            assert_eq!(node.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")), "+OK");
        }
        Some(node)
    }

    async fn start_with(is_node: &str) -> Option<Self> {
        let arguments = ["--save", "", "--appendonly", "no", "--cluster-enabled", is_node];
        Server::redis(&arguments).await.map(Self)
    }

    /// Waits until the node knows the owner of each slot.
    fn is_whole(&self) {
        let whole = || self.ask("CLUSTER INFO").contains("cluster_state:ok").then_some(());
        eventually(PATIENT, "the cluster is whole", whole);
    }

    /// Its address.
    pub fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.0.port())
    }

    /// Its address for other servers: host and port, as two words.
    pub async fn address_for_servers(&self) -> String {
        format!("{} 6379", self.0.address_for_containers().await)
    }

    /// Kills it, like a machine failure.
    pub async fn kill(&self) {
        self.0.kill().await;
    }

    /// Restarts it after a kill, at the same address and empty.
    pub async fn start_again(&self) {
        self.0.start_again().await;
        // The engine's proxy accepts connections on the published port before the server does.
        let answers = || self.try_ask("PING").is_ok_and(|reply| reply == "+PONG").then_some(());
        eventually(PATIENT, "Redis answers", answers);
    }

    /// Pauses it: its socket still accepts connections, and nothing responds.
    pub async fn freeze(&self) {
        self.0.freeze().await;
    }

    /// Resumes it.
    pub async fn thaw(&self) {
        self.0.thaw().await;
    }

    /// Sends one command; returns the reply in its wire format.
    pub fn ask(&self, command: &str) -> String {
        self.try_ask(command).expect("it answers")
    }

    fn try_ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.0.port()))?;
        stream.set_read_timeout(Some(PATIENT))?;
        // The second command ends the reply to the first.
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        Ok(reply.trim_end().trim_end_matches("+OK").trim_end().to_owned())
    }
}
