//! `lab broker`: the embedded event log, in a process of its own so that its cost can be told apart.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use rdkafka::mocking::MockCluster;

/// What stands before the address on the broker's standard output.
pub(super) const LISTENING_ON: &str = "listening on ";

/// One broker: the mock keeps one copy of everything anyway.
const BROKERS: i32 = 1;

/// Serves until standard input ends.
///
/// This is librdkafka's mock cluster: the real protocol with topics, consumer groups and committed offsets, all in
/// memory. A test of code and of protocol cost, not of durability; production would name a real cluster.
pub fn run() -> Result<()> {
    let cluster = MockCluster::new(BROKERS).context("cannot start the embedded broker")?;
    let mut out = std::io::stdout();
    writeln!(out, "{LISTENING_ON}{}", cluster.bootstrap_servers())
        .context("nobody reads where the broker listens")?;
    out.flush().context("nobody reads where the broker listens")?;
    let mut ignored = Vec::new();
    // The end of standard input is the end of the arm, however the lab ended.
    let _ = std::io::stdin().read_to_end(&mut ignored);
    Ok(())
}
