//! Real servers in containers of a test's own, by the command `docker`, which speaks whatever version the engine does.
//!
//! Not the crate `testcontainers`: its client insists on version 1.53 of the engine's API, which the engines of stable
//! distributions refuse (Debian 12 has 20.10).

use std::{
    net::{Ipv4Addr, TcpListener},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long one command may take: a stop takes ten seconds by itself.
const COMMAND_WITHIN: Duration = Duration::from_mins(1);

/// Real servers, as production has them; each name has a tag that is never moved.
pub const POSTGRES: &str = "postgres:15-bookworm";
/// Redis.
pub const REDIS: &str = "redis:7.0-bookworm";
/// Kafka, one node.
pub const KAFKA: &str = "apache/kafka:4.3.1";

/// A container, with one of its ports published on the loopback interface. Dropping it removes it.
pub struct Container {
    id: String,
    port: u16,
}

impl Container {
    /// Starts an image that is on this machine already; `None`, said loudly, where there is no engine or no image.
    ///
    /// `options` gets the port under which the container will be reached, and gives further options of `docker run`.
    #[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
    pub fn start(image: &str, inside: u16, options: impl FnOnce(u16) -> Vec<String>) -> Option<Self> {
        if let Err(why) = docker(&["image", "inspect", "--format", "{{.Id}}", image]) {
            assert!(std::env::var("CI").is_err(), "CI has to provide the image `{image}`: {why}");
            eprintln!("SKIPPED: `{image}`: {why}");
            eprintln!(
                "Start a Docker engine, then `docker pull {image}`, or `deploy/offline/build` where none can be pulled"
            );
            return None;
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let publish = format!("127.0.0.1:{port}:{inside}");
        let mut run =
            vec!["run", "--detach", "--pull", "never", "--label", "system-design-lab.test", "--publish"];
        let options = options(port);
        run.push(&publish);
        run.extend(options.iter().map(String::as_str));
        run.push(image);
        let id = docker(&run).unwrap_or_else(|why| panic!("`{image}` does not start: {why}"));
        Some(Self { id, port })
    }

    /// The port on `127.0.0.1` under which it is reached, restarts included.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it, as a machine dies, and starts it again with what is on its disk.
    pub fn crash_and_restart(&self) {
        docker(&["kill", &self.id]).expect("it is killed");
        docker(&["start", &self.id]).expect("it starts again");
    }

    /// Asks it to stop, and starts it again.
    pub fn restart(&self) {
        docker(&["restart", &self.id]).expect("it starts again");
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Err(why) = docker(&["rm", "--force", "--volumes", &self.id]) {
            eprintln!("the container {} is left: {why}", self.id);
        }
    }
}

/// What the command says, or why it fails.
fn docker(arguments: &[&str]) -> Result<String, String> {
    let output = run(Command::new("docker").args(arguments)).map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn run(command: &mut Command) -> std::io::Result<Output> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let deadline = Instant::now() + COMMAND_WITHIN;
    // What these commands say fits into a pipe.
    while child.try_wait()?.is_none() {
        if Instant::now() > deadline {
            child.kill()?;
            child.wait()?;
            return Err(std::io::Error::other(format!("no answer within {COMMAND_WITHIN:?}")));
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output()
}
