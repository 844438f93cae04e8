//! Bare references as separate processes.

use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::Result;
use runtimes::measure::{Group, Part, Scope, TrackedProcess};
use scenario::plan::Budget;

use crate::interleaved::{Reference, pin};

/// Starts this program as a bare server for each row: its kind, its address, and further arguments
/// ([`bare::main`](crate::bare::main)). The first is the one that is loaded.
pub fn start_bare(program: &Path, budget: &Budget, servers: &[&[&str]]) -> Result<Box<dyn Reference>> {
    // A child process inherits the CPU affinity of the thread that starts it.
    pin(&budget.arms)?;
    let mut bare = Bare { address: servers[0][1].parse()?, children: Vec::new() };
    for words in servers {
        bare.children.push(Command::new(program).arg("bare").args(*words).stdin(Stdio::null()).spawn()?);
        listens(words[1].parse()?)?;
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

/// A bare reference, as child processes that end with this value; the first is the one that is loaded.
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
            Group { name: "bare".to_owned(), part, scope: Scope::Process(TrackedProcess::new(child.id())) }
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
