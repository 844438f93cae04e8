//! A Redis server that may be gone at any time without anybody waiting for it.
//!
//! One connection carries the commands of all callers. A background task keeps it: whenever it is lost the task makes
//! another, and meanwhile every command is passed over at once. So a server that is gone, frozen or restarting costs
//! those who had asked it already the time that an answer may take ([`ANSWER_WITHIN`]), once, and everybody else nothing.
//!
//! A cache asks by [`Redis::ask`], and takes whatever goes wrong for nothing found. Who has to know that the server did
//! not answer runs a script by [`Redis::run`].

use std::{
    fmt::Display,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use contract::{Unavailable, Why};
use opentelemetry::KeyValue;
use prometheus_client::{
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};
use redis::{
    Arg, AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue,
    IntoConnectionInfo, RedisError, ScriptInvocation, ServerErrorKind, Value, aio::MultiplexedConnection,
    io::tcp::TcpSettings,
};
use tokio::{sync::Notify, time::sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    Background, Check, Waiting,
    spans::{Server, Summary},
    waiting::ThrottledLog,
};

/// How long a command may take where nobody says otherwise: a store answers in a few milliseconds, so a cache that takes longer saves nothing, and
/// a limiter that takes longer costs more than what it protects.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(50);
/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// How long a server whose connection was lost is left alone before the next attempt.
const LEFT_ALONE: Duration = Duration::from_millis(250);
/// Commands that wait to be written; a further one waits for a place, within its time.
const WAITING_COMMANDS: usize = 512;

/// A server. Cheap to clone.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    prefix: Arc<str>,
}

/// The address is not one of a Redis server.
#[derive(Debug, thiserror::Error)]
#[error("not the address of a Redis server, which is `redis://[:PASSWORD@]HOST:PORT[/DB][#PREFIX]`: {0}")]
pub struct AddressError(RedisError);

struct Link {
    client: Client,
    answer_within: Duration,
    connection: RwLock<Option<MultiplexedConnection>>,
    lost: Notify,
    metrics: Metrics,
    server: Server,
}

/// A server that refuses a script, and will go on to.
#[derive(Debug, thiserror::Error)]
#[error("the server refuses it: {0}")]
pub struct RefusedError(RedisError);

struct Metrics {
    commands: Counter,
    failed: Counter,
    refused: Counter,
    away: Counter,
}

impl Redis {
    /// The server at `redis://[:PASSWORD@]HOST:PORT[/DB][#PREFIX]`.
    ///
    /// Every key begins with the prefix, so that several may share a server without reading each other's keys. Commands
    /// are counted under `role`; each may take `answer_within`.
    /// Returns after the first attempt to connect, whatever became of it.
    pub async fn open(
        address: &str,
        role: &str,
        answer_within: Duration,
        registry: &mut Registry,
        background: &Background,
    ) -> Result<Self, AddressError> {
        let (address, prefix) = address.split_once('#').unwrap_or((address, ""));
        let info = address.into_connection_info().map_err(AddressError)?;
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let server = server(&info);
        let link = Arc::new(Link {
            server,
            client: Client::open(info).map_err(AddressError)?,
            answer_within,
            connection: RwLock::default(),
            lost: Notify::new(),
            metrics: Metrics::register(role, registry),
        });
        let mut log = ThrottledLog::default();
        link.connect(&mut log).await;
        let kept = Arc::clone(&link);
        background.start(|stop| keep(kept, log, stop));
        Ok(Self { link, prefix: prefix.into() })
    }

    /// Whether it answers. Not counted as a command: nobody's request sent it.
    pub fn check(&self, role: &str) -> Check {
        let link = Arc::clone(&self.link);
        Check::new(role.to_owned(), move || {
            let link = Arc::clone(&link);
            async move {
                let Some(mut connection) = link.connected() else { return false };
                redis::cmd("PING").query_async::<()>(&mut connection).await.is_ok()
            }
        })
    }

    /// A key as the server knows it.
    pub fn key(&self, kind: &str, key: &impl Display) -> String {
        if self.prefix.is_empty() { format!("{kind}:{key}") } else { format!("{}:{kind}:{key}", self.prefix) }
    }

    /// Sends a command for a key of this kind; `None` if the server does not answer in time, or is away.
    pub async fn ask<T: FromRedisValue>(&self, kind: &str, command: &Cmd) -> Option<T> {
        let asked = async {
            let mut connection = self.link.connection()?;
            self.link.outcome(command.query_async(&mut connection).await)
        };
        self.link.spanned(|| of_command(command, kind), asked).await.ok()
    }

    /// Runs a script by its hash, in one round trip; in two more where the server does not have it yet.
    ///
    /// Of one that did not answer in time it is not known whether it had its effect. A trace knows it by `name`.
    pub async fn run<T: FromRedisValue>(
        &self,
        name: &str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Unavailable> {
        let ran = async {
            let mut connection = self.link.connection()?;
            self.link.outcome(script.invoke_async(&mut connection).await)
        };
        self.link.spanned(|| of_script(name), ran).await.map_err(unavailable)
    }

    /// Runs a script once, to find out before anybody needs it whether the server would ever do that: not where it holds
    /// none of the keys, or some of them (a cluster), may not write (a replica), or does not let this user.
    ///
    /// A server that is away has refused nothing. A cluster that is not whole yet (`CLUSTERDOWN`) is waited for.
    pub async fn accepts(
        &self,
        script: &ScriptInvocation<'_>,
        waiting: &Waiting,
    ) -> Result<(), RefusedError> {
        let what = format!("the Redis cluster at `{}`", self.link.client.get_connection_info().addr());
        let attempt = || async {
            let Ok(mut connection) = self.link.connection() else { return Ok(()) };
            match script.invoke_async::<Value>(&mut connection).await {
                Err(error) if is_for_good(&error) || is_cluster_down(&error) => Err(error),
                _ => Ok(()),
            }
        };
        waiting.until(&what, attempt, is_cluster_down).await.map_err(RefusedError)
    }
}

/// Whether asking again would change nothing.
fn is_for_good(error: &RedisError) -> bool {
    use ServerErrorKind::{CrossSlot, Moved, NoPerm, ReadOnly, ResponseError};
    // A command that the ACL forbids inside a script is reported as `ResponseError`.
    matches!(error.kind(), ErrorKind::Server(Moved | CrossSlot | ReadOnly | NoPerm | ResponseError))
}

/// Whether the cluster has no node for some keys yet, or too few nodes to agree.
fn is_cluster_down(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ClusterDown)
}

/// Why a command failed, as a span says it.
fn error_type(why: Why) -> &'static str {
    match why {
        Why::TimedOut => "timeout",
        Why::Unreachable => "away",
        _ => "refused",
    }
}

fn unavailable(why: Why) -> Unavailable {
    Unavailable::new("redis", why)
}

fn server(info: &ConnectionInfo) -> Server {
    let place = match info.addr() {
        ConnectionAddr::Tcp(host, port) => Some((host.clone(), *port)),
        _ => None,
    };
    Server::new("redis", info.redis_settings().db().to_string(), place)
}

/// A command by its name, and what its keys are.
fn of_command<'a>(command: &'a Cmd, kind: &str) -> Summary<'a> {
    let name = match command.args_iter().next() {
        Some(Arg::Simple(name)) => str::from_utf8(name).unwrap_or_default(),
        _ => "",
    };
    Summary { operation: name, text: format!("{name} {kind}"), own: Vec::new() }
}

fn of_script(name: &str) -> Summary<'static> {
    let own = vec![KeyValue::new("db.stored_procedure.name", name.to_owned())];
    Summary { operation: "EVALSHA", text: format!("EVALSHA {name}"), own }
}

impl Link {
    /// Does something in a span, if the running operation leaves spans: a command that is passed over has one as well.
    async fn spanned<'a, T>(
        &self,
        describe: impl FnOnce() -> Summary<'a>,
        work: impl Future<Output = Result<T, Why>>,
    ) -> Result<T, Why> {
        let span = self.server.call(describe);
        let outcome = work.await;
        if let (Some(mut span), Err(why)) = (span, &outcome) {
            span.fail(error_type(*why).to_owned());
        }
        outcome
    }

    /// The connection, for one command.
    fn connection(&self) -> Result<MultiplexedConnection, Why> {
        let connection = self.connected();
        let counted = if connection.is_some() { &self.metrics.commands } else { &self.metrics.away };
        counted.inc();
        connection.ok_or(Why::Unreachable)
    }

    fn connected(&self) -> Option<MultiplexedConnection> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, connection: Option<MultiplexedConnection>) -> bool {
        let mut place = self.connection.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, connection).is_some()
    }

    async fn connect(&self, log: &mut ThrottledLog) -> bool {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(self.answer_within))
            .set_pipeline_buffer_size(WAITING_COMMANDS);
        match self.client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => {
                tracing::info!("redis is there");
                self.set(Some(connection));
                true
            }
            Err(error) => {
                log.waiting_for("redis", &error);
                false
            }
        }
    }

    /// A command that was refused leaves the connection whole; after any other failure nobody else asks on it.
    fn outcome<T>(&self, answer: Result<T, RedisError>) -> Result<T, Why> {
        answer.map_err(|error| {
            if !error.is_io_error() {
                self.metrics.refused.inc();
                tracing::warn!(%error, "redis refused a command");
                return Why::Broken;
            }
            self.metrics.failed.inc();
            if self.set(None) {
                tracing::warn!(%error, "redis is left alone for a while");
                self.lost.notify_one();
            }
            if error.is_timeout() { Why::TimedOut } else { Why::Unreachable }
        })
    }
}

/// Makes a connection whenever there is none.
async fn keep(link: Arc<Link>, mut log: ThrottledLog, stop: CancellationToken) {
    let mut connected = link.connected().is_some();
    let keeping = async {
        loop {
            if connected {
                link.lost.notified().await;
            }
            sleep(LEFT_ALONE).await;
            connected = link.connect(&mut log).await;
        }
    };
    stop.run_until_cancelled(keeping).await;
}

impl Metrics {
    fn register(role: &str, registry: &mut Registry) -> Self {
        let errors = Family::<Vec<(&'static str, &'static str)>, Counter>::default();
        let commands = Counter::default();
        let registry = registry.sub_registry_with_label(("role".into(), role.to_owned().into()));
        registry.register("redis_commands", "Commands sent to Redis, scripts included", commands.clone());
        registry.register(
            "redis_errors",
            "Commands to Redis that failed or were refused, and those passed over while it was away",
            errors.clone(),
        );
        Self {
            commands,
            failed: errors.get_or_create_owned(&vec![("why", "failed")]),
            refused: errors.get_or_create_owned(&vec![("why", "refused")]),
            away: errors.get_or_create_owned(&vec![("why", "away")]),
        }
    }
}
