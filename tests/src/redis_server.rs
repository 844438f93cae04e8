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

/// A server on a free port, with nothing on disk. Dropping it kills it.
pub struct RedisServer {
    port: u16,
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
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let mut server = Self { port: free.expect("a free port").port(), child: None, folder };
        server.restart();
        Some(server)
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

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}
