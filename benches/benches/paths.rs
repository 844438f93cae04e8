//! What the platform, a hop and tracing cost an operation: CPU microseconds of a followed link, in one interleaved run.
//!
//! `cargo bench -p benches --bench paths [-- SECONDS]`: seconds measured for each arm, 20 if not given.
//! Everything that is compared runs at the same time on the same processor and is loaded in turn.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use benches::interleaved::{self, Choices, Reference, pin, show_difference, show_ratio};
use lab::{
    plan::Budget,
    process::{Group, Part, Scope},
};
use runtime::HostFile;

/// The arms, each with the axes that it does not leave at their defaults.
const ARMS: [Choices; 5] = [
    ("monolith", &[]),
    ("monolith, 1 % traced", &[("tracing", "0.01")]),
    ("links one hop away, http", &[("placement", "links-apart")]),
    ("links one hop away, grpc", &[("placement", "links-apart"), ("transport", "grpc")]),
    ("links one hop away, http, 1 % traced", &[("placement", "links-apart"), ("tracing", "0.01")]),
];
/// What all arms share: the path from memory to memory.
const HELD: [(&str, &str); 3] = [("cache", "local"), ("events", "memory"), ("tracing", "off")];

/// Where the bare references serve: the one alone, and the one whose links are a call away, with where they are.
const ALONE: ([u8; 4], u16) = ([127, 0, 0, 1], 19999);
const BEFORE: ([u8; 4], u16) = ([127, 0, 0, 1], 19998);
const BEHIND: ([u8; 4], u16) = ([127, 0, 0, 1], 19997);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    match words.as_slice() {
        ["host", file] => runtime::host(&shortener_app::SERVICE, HostFile::read(Path::new(file))?),
        ["bare", address] => Ok(benches::bare::serve(address.parse()?)?),
        ["bare", address, back] => Ok(benches::bare::serve_before(address.parse()?, back.parse()?)?),
        [] => compare(20.0),
        [seconds] => compare(seconds.parse().context("how many seconds?")?),
        _ => anyhow::bail!("usage: paths [SECONDS]"),
    }
}

/// A bare reference, as children that end with this value; the first is the one that is loaded.
struct Bare {
    address: SocketAddr,
    children: Vec<Child>,
}

impl Reference for Bare {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn groups(&self) -> Vec<Group> {
        let group = |child: &Child| {
            let part = Part::Service { components: Vec::new(), edge: true };
            Group { name: "bare".to_owned(), part, scope: Scope::Process(child.id()) }
        };
        self.children.iter().map(group).collect()
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start_alone(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>> {
    start_bare(program, budget, &[&[ALONE.into()]])
}

fn start_apart(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>> {
    start_bare(program, budget, &[&[BEFORE.into(), BEHIND.into()], &[BEHIND.into()]])
}

/// Starts a bare server for each row: where it serves, and where its links are if it has none.
fn start_bare(program: &Path, budget: &Budget, servers: &[&[SocketAddr]]) -> Result<Box<dyn Reference>> {
    // A child has the processors of the thread that starts it.
    pin(&budget.arms)?;
    let mut bare = Bare { address: servers[0][0], children: Vec::new() };
    for addresses in servers {
        let words = addresses.iter().map(ToString::to_string);
        bare.children.push(Command::new(program).arg("bare").args(words).stdin(Stdio::null()).spawn()?);
        listens(addresses[0])?;
    }
    Ok(Box::new(bare))
}

fn listens(address: SocketAddr) -> Result<()> {
    for _ in 0..200 {
        if std::net::TcpStream::connect(address).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("the bare reference does not listen on {address}")
}

fn compare(seconds: f64) -> Result<()> {
    let costs = interleaved::costs(&ARMS, &HELD, &[start_alone, start_apart], seconds)?;
    let bare_names = ["bare axum handler", "bare axum handler, one bare hop away"];
    interleaved::show(bare_names.into_iter().chain(ARMS.iter().map(|arm| arm.0)), &costs);
    let [bare, bare_hop, monolith, traced, http, grpc, http_traced] = costs.as_slice() else {
        anyhow::bail!("every arm was measured")
    };
    show_ratio("monolith over bare handler", monolith, bare, "1.25");
    show_ratio("traced at 1 % over untraced, monolith", traced, monolith, "1.10");
    show_ratio("traced at 1 % over untraced, one hop", http_traced, http, "1.10");
    show_difference("one hop over HTTP, us more than in process", http, monolith, "55");
    show_difference("one hop over gRPC, us more than in process", grpc, monolith, "100");
    // What the machine and the libraries take of a hop, whatever the project does: the floor under the two lines above.
    show_difference("a bare hop over HTTP, us more than alone", bare_hop, bare, "-");
    Ok(())
}
