//! `lab broker`: the embedded event log, in a separate process so that its cost can be measured.

use std::io::{Read, Write};

use anyhow::{Context, Result};
use rdkafka::mocking::MockCluster;

/// The words before the address on the broker's standard output.
pub(super) const LISTENING_ON: &str = "listening on ";

/// One broker: the mock keeps one copy of everything anyway.
const BROKERS: i32 = 1;

/// Serves until standard input ends.
///
/// This is librdkafka's mock cluster: the real protocol with topics, consumer groups and committed offsets,
/// all in memory. It tests code and protocol cost, not durability; production would use a real cluster.
pub fn run() -> Result<()> {
    let cluster = MockCluster::new(BROKERS).context("cannot start the embedded broker")?;
    let mut out = std::io::stdout();
    writeln!(out, "{LISTENING_ON}{}", cluster.bootstrap_servers())
        .context("nobody reads where the broker listens")?;
    out.flush().context("nobody reads where the broker listens")?;
    let mut ignored = Vec::new();
    // Standard input ends with the arm, however the lab ended.
    let _ = std::io::stdin().read_to_end(&mut ignored);
    Ok(())
}
