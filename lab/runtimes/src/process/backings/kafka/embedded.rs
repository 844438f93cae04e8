//! librdkafka's mock broker, as a process of the arm's own.

use std::{fs, path::Path, process::Command, time::Duration};

use anyhow::Result;
use design::BackingKind;

use super::addresses;
use crate::process::{
    backings::{OwnBacking, throwaway},
    broker,
    child::{Child, SharedChild},
    start::Start,
};

/// The time limit for it to print its address.
const UP_WITHIN: Duration = Duration::from_secs(5);

/// Starts a broker, which prints its address on its standard output.
pub(super) fn start(start: &Start<'_>, roles: &[String], folder: &Path) -> Result<OwnBacking> {
    let log = folder.join("kafka.log");
    let mut command = Command::new(start.options.program);
    command.arg("broker");
    let mut child = Child::start("kafka", command, &log, &start.budget.arms)?;
    let address = throwaway::until(start, &mut child, &log, UP_WITHIN, || address(&log))?;
    Ok(OwnBacking {
        caveat: Some(
            "the broker is librdkafka's mock: the real protocol, kept in memory, not durable".to_owned(),
        ),
        log: Some(log),
        child: Some(SharedChild::new(child)),
        ..OwnBacking::new(BackingKind::Kafka, "embedded", addresses(roles, &address))
    })
}

/// The broker's address, when its log has the complete line.
fn address(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    let mut complete = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    complete.find_map(|line| line.strip_prefix(broker::LISTENING_ON)).map(|address| address.trim().to_owned())
}
