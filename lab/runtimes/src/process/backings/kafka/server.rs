//! A throwaway node: its folder is formatted once per run and copied for each arm and launch.

use std::{
    fs,
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use design::BackingKind;
use rdkafka::{
    ClientConfig,
    producer::{BaseProducer, Producer},
};

use super::{Installation, addresses};
use crate::process::{
    backings::{OwnBacking, throwaway},
    child::SharedChild,
    keep::Ask,
    ports,
    start::Start,
};

/// The time limit for a node to respond: it takes three seconds alone on a processor, and arms start
/// together.
const UP_WITHIN: Duration = Duration::from_mins(1);

/// The time limit for formatting a folder: it takes a second alone on a processor.
const FORMATTED_WITHIN: Duration = Duration::from_secs(30);

/// The time limit for a listening node to return its metadata.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The options of the release's own start script, with a smaller heap.
const JVM: [&str; 7] = [
    "-Xmx512m",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
];

/// Starts a node of the arm's own; returns when it responds.
pub(super) fn start(
    start: &Start<'_>,
    installation: &Installation,
    roles: &[String],
    folder: &Path,
) -> Result<OwnBacking> {
    let data = folder.join("kafka");
    let log_dir = data.join("log");
    fs::create_dir_all(&log_dir)
        .with_context(|| format!("cannot make the folder `{}`", log_dir.display()))?;
    copy(&template(start, installation)?, &log_dir)?;
    let (broker, controller) = (ports::free()?, ports::free()?);
    let properties = data.join("server.properties");
    write(&properties, &settings(broker, controller, &log_dir))?;
    // As the lab's own user, unlike the other servers, because the jars may be readable by that user only.
    let mut command = java(installation, &data, "kafka.Kafka");
    command.arg(&properties);
    let server = throwaway::Server { name: "kafka", data: &data, user: None, ask: Ask::Terminate, command };
    let mut kept = server.start(start, folder)?;
    let client: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", broker.to_string())
        // Its log messages about a node that is not up yet are expected.
        .set("log_level", "0")
        .create()?;
    throwaway::until(start, &mut kept.keeper, &kept.log, UP_WITHIN, || is_up(broker, &client))?;
    Ok(OwnBacking {
        caveat: Some(
            "the broker is one node with one copy of each event, acknowledged when it is in memory: \
             production has three, and each event costs more; and its Java is seconds old, when it uses more CPU \
             than one that has run for minutes"
                .to_owned(),
        ),
        log: Some(kept.log),
        child: Some(SharedChild::new(kept.keeper)),
        kept: true,
        ..OwnBacking::new(
            BackingKind::Kafka,
            format!("native, {}", installation.version),
            addresses(roles, &broker.to_string()),
        )
    })
}

/// Whether it listens and lists itself as a broker.
fn is_up(broker: SocketAddr, client: &BaseProducer) -> Option<()> {
    TcpStream::connect_timeout(&broker, ANSWER_WITHIN).ok()?;
    let metadata = client.client().fetch_metadata(None, ANSWER_WITHIN).ok()?;
    (!metadata.brokers().is_empty()).then_some(())
}

/// The formatted folder of the run, created on the first call.
///
/// It contains neither ports nor paths, so each node can have a copy.
fn template(start: &Start<'_>, installation: &Installation) -> Result<PathBuf> {
    let scratch = start.options.scratch;
    let _one_at_a_time = scratch.lock();
    let home = scratch.folder("kafka-template")?;
    let data = home.join("log");
    if data.join("meta.properties").exists() {
        return Ok(data);
    }
    let properties = home.join("server.properties");
    let [broker, controller] = [9092, 9093].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    write(&properties, &settings(broker, controller, &data))?;
    let mut command = java(installation, &home, "kafka.tools.StorageTool");
    command.args(["format", "--cluster-id", "the-system-design-lab", "--config"]).arg(&properties);
    let log = scratch.path().join("kafka-format.log");
    throwaway::run(command, "kafka.tools.StorageTool", &log, FORMATTED_WITHIN, start.options.interrupt)?;
    Ok(data)
}

/// A command that runs a class of Kafka in its own folder.
fn java(installation: &Installation, folder: &Path, class: &str) -> Command {
    let mut command = Command::new(&installation.java);
    command.args(JVM);
    // Without a configuration file Log4j writes to the console, which is the log.
    command.arg("-Dlog4j2.level=WARN");
    // Native libraries are unpacked there.
    command.arg(format!("-Djava.io.tmpdir={}", folder.display()));
    command.arg("-cp").arg(installation.home.join("libs").join("*")).arg(class);
    command
}

/// The settings of one node that is broker and controller, on loopback only.
///
/// Differences from Kafka's defaults: a replication factor of one, because there is one node; a group forms
/// at once instead of waiting three seconds for more members; a topic is created on first use with four
/// partitions, like the embedded broker does; the topic of group offsets has one partition instead of fifty,
/// which take a second to create.
fn settings(broker: SocketAddr, controller: SocketAddr, data: &Path) -> String {
    format!(
        "process.roles=broker,controller\n\
         node.id=1\n\
         controller.quorum.voters=1@{controller}\n\
         controller.listener.names=CONTROLLER\n\
         listeners=PLAINTEXT://{broker},CONTROLLER://{controller}\n\
         advertised.listeners=PLAINTEXT://{broker}\n\
         listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
         log.dirs={}\n\
         offsets.topic.replication.factor=1\n\
         transaction.state.log.replication.factor=1\n\
         transaction.state.log.min.isr=1\n\
         share.coordinator.state.topic.replication.factor=1\n\
         share.coordinator.state.topic.min.isr=1\n\
         group.initial.rebalance.delay.ms=0\n\
         auto.create.topics.enable=true\n\
         num.partitions=4\n\
         offsets.topic.num.partitions=1\n",
        data.display()
    )
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write `{}`", path.display()))
}

/// Copies the files of a folder without subfolders.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let entries = fs::read_dir(from).with_context(|| format!("cannot read `{}`", from.display()))?;
    for entry in entries {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))
            .with_context(|| format!("cannot copy `{}`", entry.path().display()))?;
    }
    Ok(())
}
