//! A Redis server of a test's own, which it may kill, freeze, flush and start again.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long a server may take to answer for the first time.
const UP_WITHIN: Duration = Duration::from_secs(20);
/// How long a server may take to answer a test, on however busy a machine.
pub const PATIENT: Duration = Duration::from_secs(20);

/// Slots of a cluster.
const SLOTS: u16 = 16_384;
/// A node of a cluster listens on a second port as well, that much above the first.
const BUS: u16 = 10_000;

/// A server on a free port, with nothing on disk. Dropping it kills it.
pub struct RedisServer {
    port: u16,
    is_node: bool,
    child: Option<Child>,
    folder: tempfile::TempDir,
}

impl RedisServer {
    /// Whether there is a `redis-server` to start; if not, that is said loudly.
    ///
    /// Panics in CI, which has to provide one.
    #[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
    pub fn can_be_had() -> bool {
        let there = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
        if there.is_ok_and(|status| status.success()) {
            return true;
        }
        assert!(std::env::var("CI").is_err(), "CI has to provide `redis-server` on the PATH");
        eprintln!("SKIPPED: Redis. Install it (Debian: `apt-get install redis-server`)");
        false
    }

    /// Starts one, if it can be had.
    pub fn start() -> Option<Self> {
        if !Self::can_be_had() {
            return None;
        }
        let mut server = Self::on(free_port(), false);
        server.restart();
        Some(server)
    }

    /// Starts the one node of a cluster, which holds all slots, if it can be had.
    pub fn start_cluster() -> Option<Self> {
        let node = Self::start_node(&[(0, SLOTS - 1)])?;
        node.is_whole();
        Some(node)
    }

    /// Starts two nodes of a cluster: the first holds one slot, and the second all others.
    pub fn start_cluster_of_two(slot: u16) -> Option<[Self; 2]> {
        let one = Self::start_node(&[(slot, slot)])?;
        let other = Self::start_node(&[(0, slot - 1), (slot + 1, SLOTS - 1)])?;
        one.ask(&format!("CLUSTER MEET 127.0.0.1 {}", other.port));
        one.is_whole();
        other.is_whole();
        Some([one, other])
    }

    fn start_node(slots: &[(u16, u16)]) -> Option<Self> {
        if !Self::can_be_had() {
            return None;
        }
        let port = std::iter::repeat_with(free_port).find(|port| *port < u16::MAX - BUS);
        let mut node = Self::on(port.expect("there is one"), true);
        node.restart();
        for (first, last) in slots {
            assert_eq!(node.ask(&format!("CLUSTER ADDSLOTSRANGE {first} {last}")), "+OK");
        }
        Some(node)
    }

    /// Waits until the node knows who holds each slot.
    fn is_whole(&self) {
        let deadline = Instant::now() + UP_WITHIN;
        while !self.ask("CLUSTER INFO").contains("cluster_state:ok") {
            assert!(Instant::now() < deadline, "the cluster was not whole within {UP_WITHIN:?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn on(port: u16, is_node: bool) -> Self {
        Self { port, is_node, child: None, folder: tempfile::tempdir().expect("a temporary folder") }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills it, if it runs, as a machine dies: without a word.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is a child of this process");
            child.wait().expect("it is a child of this process");
        }
    }

    /// Starts it again at the same address, empty.
    pub fn restart(&mut self) {
        self.kill();
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no"])
            .args(["--cluster-enabled", if self.is_node { "yes" } else { "no" }])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        self.child = Some(child.expect("it starts"));
        let deadline = Instant::now() + UP_WITHIN;
        while self.try_ask("PING").is_err() {
            assert!(Instant::now() < deadline, "redis-server did not answer within {UP_WITHIN:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it from running: its socket still takes connections, and nothing answers.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it run again.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Sends one command, and returns the reply as it is on the wire.
    pub fn ask(&self, command: &str) -> String {
        self.try_ask(command).expect("it answers")
    }

    fn try_ask(&self, command: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(PATIENT))?;
        // The second command ends the reply to the first.
        stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes())?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        Ok(reply.trim_end().trim_end_matches("+OK").trim_end().to_owned())
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        kill(Pid::from_raw(child.id().cast_signed()), signal).expect("it is a child of this process");
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    free.expect("a free port").port()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
