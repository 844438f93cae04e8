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

const BARE: ([u8; 4], u16) = ([127, 0, 0, 1], 19999);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| *word != "--bench").collect();
    match words.as_slice() {
        ["host", file] => runtime::host(&shortener_app::SERVICE, HostFile::read(Path::new(file))?),
        ["bare", address] => Ok(benches::bare::serve(address.parse()?)?),
        [] => compare(20.0),
        [seconds] => compare(seconds.parse().context("how many seconds?")?),
        _ => anyhow::bail!("usage: paths [SECONDS]"),
    }
}

/// The bare reference, as a child that ends with this value.
struct Bare(Child);

impl Reference for Bare {
    fn address(&self) -> SocketAddr {
        BARE.into()
    }

    fn group(&self) -> Group {
        let part = Part::Service { components: Vec::new(), edge: true };
        Group { name: "bare".to_owned(), part, scope: Scope::Process(self.0.id()) }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start_bare(program: &Path, budget: &Budget) -> Result<Box<dyn Reference>> {
    let address = SocketAddr::from(BARE);
    // A child has the processors of the thread that starts it.
    pin(&budget.arms)?;
    let child = Command::new(program).args(["bare", &address.to_string()]).stdin(Stdio::null()).spawn()?;
    let bare = Bare(child);
    for _ in 0..200 {
        if std::net::TcpStream::connect(address).is_ok() {
            return Ok(Box::new(bare));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    anyhow::bail!("the bare reference does not listen on {address}")
}

fn compare(seconds: f64) -> Result<()> {
    let costs = interleaved::costs(&ARMS, &HELD, Some(start_bare), seconds)?;
    interleaved::show(std::iter::once("bare axum handler").chain(ARMS.iter().map(|arm| arm.0)), &costs);
    let [bare, monolith, traced, http, grpc, http_traced] = costs.as_slice() else {
        anyhow::bail!("every arm was measured")
    };
    show_ratio("monolith over bare handler", monolith, bare, "1.25");
    show_ratio("traced at 1 % over untraced, monolith", traced, monolith, "1.10");
    show_ratio("traced at 1 % over untraced, one hop", http_traced, http, "1.10");
    show_difference("one hop over HTTP, us more than in process", http, monolith, "55");
    show_difference("one hop over gRPC, us more than in process", grpc, monolith, "100");
    Ok(())
}
