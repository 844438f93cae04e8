//! Kafka: the embedded broker, or a given one.

use std::{
    net::{TcpStream, ToSocketAddrs},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use runtime::BackingKind;

use super::{Cannot, RunningBacking};
use crate::{
    complaint::Complaint,
    process::{LogTail, arm::Start, broker, child::Child},
};

/// How long the embedded broker may take to say where it listens.
const UP_WITHIN: Duration = Duration::from_secs(5);

/// How long a given broker may take to accept a connection.
const ACCEPT_WITHIN: Duration = Duration::from_secs(3);

/// The given broker, or else an embedded one of the arm's own.
pub(super) fn provide(start: &Start<'_>, roles: &[String], folder: &Path) -> Result<RunningBacking, Cannot> {
    match &start.options.backings.kafka_url {
        Some(url) => given(url, roles).map_err(Cannot::Fail),
        None => embedded(start, roles, folder).map_err(Cannot::Fail),
    }
}

fn given(url: &str, roles: &[String]) -> anyhow::Result<RunningBacking> {
    let hint = "expected `--kafka-url kafka://HOST:PORT` of a broker that is up";
    let address = url
        .strip_prefix("kafka://")
        .ok_or_else(|| Complaint::new(format!("`{url}` is not the address of a broker")).hint(hint))?;
    if !answers(address) {
        return Err(Complaint::new(format!("no broker answers at `{url}`")).hint(hint).into());
    }
    Ok(RunningBacking {
        kind: BackingKind::Kafka,
        provider: "given".to_owned(),
        caveat: Some(
            "the broker was given: its CPU and memory are not the arm's, and arms that use it share it"
                .to_owned(),
        ),
        log: None,
        addresses: roles.iter().map(|role| (role.clone(), url.to_owned())).collect(),
        child: None,
        borrowed: None,
    })
}

fn answers(address: &str) -> bool {
    let Ok(resolved) = address.to_socket_addrs() else {
        return false;
    };
    resolved.into_iter().any(|address| TcpStream::connect_timeout(&address, ACCEPT_WITHIN).is_ok())
}

fn embedded(start: &Start<'_>, roles: &[String], folder: &Path) -> anyhow::Result<RunningBacking> {
    let log = folder.join("kafka.log");
    let mut command = Command::new(start.options.program);
    command.arg("broker");
    let mut child = Child::start("kafka", command, &log, &start.budget.arms)?;
    let address = address(&mut child, &log)?;
    Ok(RunningBacking {
        kind: BackingKind::Kafka,
        provider: "embedded".to_owned(),
        caveat: Some(
            "the broker is librdkafka's mock: the real protocol, kept in memory, not durable".to_owned(),
        ),
        addresses: roles.iter().map(|role| (role.clone(), format!("kafka://{address}"))).collect(),
        log: Some(log),
        child: Some(child),
        borrowed: None,
    })
}

/// Reads where the broker listens from its log, where its standard output goes.
fn address(child: &mut Child, log: &Path) -> anyhow::Result<String> {
    let deadline = Instant::now() + UP_WITHIN;
    loop {
        let text =
            std::fs::read_to_string(log).with_context(|| format!("cannot read `{}`", log.display()))?;
        let mut complete = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        if let Some(address) = complete.find_map(|line| line.strip_prefix(broker::LISTENING_ON)) {
            return Ok(address.trim().to_owned());
        }
        if child.ended().is_some() || Instant::now() >= deadline {
            let words = LogTail::of(log).indented();
            return Err(
                Complaint::new(format!("the embedded broker did not start; its last words:{words}")).into()
            );
        }
        thread::sleep(Duration::from_millis(5));
    }
}
