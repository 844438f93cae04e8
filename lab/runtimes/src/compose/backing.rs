//! Stores and brokers as services: one of each kind for a wiring, on its private network, without published
//! ports.

use std::{net::SocketAddr, path::Path};

use design::{BackingKind, Wiring};

use super::project::{HOME, Program, Project, Role, Service, Setting, service};
use crate::provider;

/// The user of a PostgreSQL server.
const USER: &str = "lab";

/// The image of each kind; `SQLite` needs none, and the lab's own is that of its processes.
pub(super) fn image(kind: BackingKind, own: &str) -> &str {
    match kind {
        BackingKind::Postgres => "postgres:15-bookworm",
        BackingKind::Redis => "redis:7.0-bookworm",
        BackingKind::Kafka => "apache/kafka:4.3.1",
        BackingKind::Provider => own,
        BackingKind::Sqlite => "",
    }
}

/// The name of a wiring's service of a kind: `monolith-postgres`.
pub(super) fn name(wiring: &str, kind: BackingKind) -> String {
    service(wiring, kind.name())
}

/// The standard port of each kind; `SQLite` has none.
pub(super) fn port(kind: BackingKind) -> u16 {
    match kind {
        BackingKind::Postgres => 5432,
        BackingKind::Redis => 6379,
        BackingKind::Kafka => 9092,
        BackingKind::Provider => provider::PORT,
        BackingKind::Sqlite => 0,
    }
}

/// The address of a role's backing, for a process; `proxied` is where the process finds it by way of the proxy.
pub(super) fn address(wiring: &str, kind: BackingKind, role: &str, proxied: Option<SocketAddr>) -> String {
    let host = match proxied {
        Some(proxied) => proxied.to_string(),
        None => format!("{}:{}", name(wiring, kind), port(kind)),
    };
    match kind {
        BackingKind::Postgres => format!("postgres://{USER}@{host}/{}", database(role)),
        BackingKind::Redis => format!("redis://{host}"),
        BackingKind::Kafka => format!("kafka://{host}"),
        BackingKind::Provider => provider::address(&host),
        BackingKind::Sqlite => String::new(),
    }
}

/// A role's database: `database/links` is `links`, and the shared one is `shared`.
pub(super) fn database(role: &str) -> &str {
    role.split_once('/').map_or("shared", |(_, component)| component)
}

/// Adds the service of a kind.
pub(super) fn add(
    project: &mut Project,
    kind: BackingKind,
    roles: &[String],
    wiring: &Wiring,
    setting: &Setting<'_>,
) {
    match kind {
        BackingKind::Postgres => postgres(project, roles, setting),
        BackingKind::Redis => redis(project, roles, setting),
        BackingKind::Kafka => kafka(project, setting),
        BackingKind::Provider => stand_in(project, wiring, setting),
        BackingKind::Sqlite => {}
    }
}

fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// A server with a database for each role.
fn postgres(project: &mut Project, roles: &[String], setting: &Setting<'_>) {
    let name = name(setting.wiring, BackingKind::Postgres);
    let mut volumes = vec![format!("{name}:/var/lib/postgresql/data")];
    let (first, others) =
        roles.split_first().map_or(("shared", &[][..]), |(first, others)| (database(first), others));
    if !others.is_empty() {
        let file = format!("{}databases.sql", setting.folder);
        let lines = others.iter().map(|role| format!("CREATE DATABASE {};\n", database(role)));
        let text = format!("-- The first database is made by `POSTGRES_DB`.\n{}", lines.collect::<String>());
        volumes.push(format!("./{file}:/docker-entrypoint-initdb.d/databases.sql:ro"));
        project.files.push((file, text));
    }
    project.volumes.push(name.clone());
    let program = Program {
        image: image(BackingKind::Postgres, setting.image).to_owned(),
        is_own: false,
        user: Some("postgres"),
        // Enough connections for a pool in each process. Durability is unchanged: `fsync` and
        // `synchronous_commit` stay on.
        command: words(["postgres", "-c", "max_connections=200", "-c", "recovery_init_sync_method=syncfs"]),
        environment: vec![
            ("POSTGRES_USER", USER.to_owned()),
            ("POSTGRES_DB", first.to_owned()),
            ("POSTGRES_HOST_AUTH_METHOD", "trust".to_owned()),
        ],
        read_only: true,
        tmpfs: vec!["/tmp", "/var/run/postgresql"],
        port: port(BackingKind::Postgres),
        // Over TCP, because the temporary server that fills an empty volume listens on its socket only.
        health: words(["pg_isready", "-q", "-h", "127.0.0.1", "-U", USER, "-d", first]),
        memory: "512m",
    };
    let about =
        "No password, because nothing of it is published and only this project's containers reach it.";
    project.services.push(Service {
        name,
        about: about.to_owned(),
        role: Role::Backing(BackingKind::Postgres, program),
        volumes,
        after: Vec::new(),
    });
}

/// A cache: bounded, with LRU eviction, without persistence. What is published in it is not stored.
fn redis(project: &mut Project, roles: &[String], setting: &Setting<'_>) {
    let about = match roles {
        [only] if only == "fanout" => {
            "Publish and subscribe: what nobody listens to is gone, and nothing is stored."
        }
        _ if roles.iter().any(|role| role == "counts") => {
            "Counts: bounded, the least recently used goes first, and nothing on disk."
        }
        _ => "A cache: bounded, the least recently used goes first, and nothing on disk.",
    };
    let flags = "--save '' --appendonly no --maxmemory 64mb --maxmemory-policy allkeys-lru";
    let flags = flags.split(' ').map(|word| word.trim_matches('\'').to_owned());
    let program = Program {
        image: image(BackingKind::Redis, setting.image).to_owned(),
        is_own: false,
        user: Some("redis"),
        command: std::iter::once("redis-server".to_owned()).chain(flags).collect(),
        environment: Vec::new(),
        read_only: true,
        tmpfs: vec!["/data", "/tmp"],
        port: port(BackingKind::Redis),
        health: words(["redis-cli", "ping"]),
        memory: "128m",
    };
    project.services.push(Service {
        name: name(setting.wiring, BackingKind::Redis),
        about: about.to_owned(),
        role: Role::Backing(BackingKind::Redis, program),
        volumes: Vec::new(),
        after: Vec::new(),
    });
}

/// One node as broker and controller, so the replication factor is 1.
fn kafka(project: &mut Project, setting: &Setting<'_>) {
    let name = name(setting.wiring, BackingKind::Kafka);
    project.volumes.push(name.clone());
    let environment = [
        ("KAFKA_NODE_ID", "1"),
        ("KAFKA_PROCESS_ROLES", "broker,controller"),
        ("KAFKA_CONTROLLER_QUORUM_VOTERS", "1@localhost:9093"),
        ("KAFKA_CONTROLLER_LISTENER_NAMES", "CONTROLLER"),
        ("KAFKA_LISTENERS", "PLAINTEXT://:9092,CONTROLLER://:9093"),
        ("KAFKA_LISTENER_SECURITY_PROTOCOL_MAP", "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"),
        ("KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR", "1"),
        ("KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR", "1"),
        ("KAFKA_TRANSACTION_STATE_LOG_MIN_ISR", "1"),
        ("KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS", "0"),
        ("KAFKA_LOG_DIRS", "/var/lib/kafka/data"),
        ("KAFKA_HEAP_OPTS", "-Xms256m -Xmx512m"),
    ];
    let mut environment: Vec<_> = environment.map(|(key, value)| (key, value.to_owned())).to_vec();
    environment.insert(5, ("KAFKA_ADVERTISED_LISTENERS", format!("PLAINTEXT://{name}:9092")));
    if !setting.cpus.is_empty() {
        // Java counts the processors once at its start, and the container is bound to fewer later.
        environment.push(("KAFKA_OPTS", format!("-XX:ActiveProcessorCount={}", setting.cpus.len())));
    }
    let program = Program {
        image: image(BackingKind::Kafka, setting.image).to_owned(),
        is_own: false,
        user: Some("appuser"),
        command: Vec::new(),
        environment,
        read_only: false,
        // Two of them are anonymous volumes of the image, which nobody would remove.
        tmpfs: vec!["/tmp", "/etc/kafka/secrets", "/mnt/shared/config"],
        port: port(BackingKind::Kafka),
        // Its port opens when it serves. Kafka's own tools would start a JVM for every check.
        health: words(["bash", "-c", "</dev/tcp/127.0.0.1/9092"]),
        memory: "1g",
    };
    let about = "One node that is broker and controller. Its entry point writes its configuration beside its \
                 programs: the one service whose root can be written.";
    project.services.push(Service {
        volumes: vec![format!("{name}:/var/lib/kafka/data")],
        name,
        about: about.to_owned(),
        role: Role::Backing(BackingKind::Kafka, program),
        after: Vec::new(),
    });
}

/// The path of its configuration.
const PROVIDER_FILE: &str = "/etc/lab/provider.toml";

/// The stand-in for a payment provider: a further program of the lab's image, with its books on a volume.
fn stand_in(project: &mut Project, wiring: &Wiring, setting: &Setting<'_>) {
    let name = name(setting.wiring, BackingKind::Provider);
    let port = port(BackingKind::Provider);
    let listen = SocketAddr::from(([0, 0, 0, 0], port));
    let config = provider::config(wiring, listen, Path::new(HOME).join("books.db"));
    let file = format!("{}provider.toml", setting.folder);
    let volumes = vec![format!("./{file}:{PROVIDER_FILE}:ro"), format!("{name}:{HOME}")];
    project.files.push((file, config.to_toml()));
    project.volumes.push(name.clone());
    let program = Program {
        image: image(BackingKind::Provider, setting.image).to_owned(),
        is_own: true,
        user: None,
        command: words(["provider", PROVIDER_FILE]),
        environment: Vec::new(),
        read_only: true,
        tmpfs: vec!["/tmp"],
        port,
        health: words(["lab", "provider", "--check", PROVIDER_FILE]),
        memory: "256m",
    };
    project.services.push(Service {
        name,
        about: "A stand-in for a payment provider: the software of another company, with books of its own."
            .to_owned(),
        role: Role::Backing(BackingKind::Provider, program),
        volumes,
        after: Vec::new(),
    });
}
