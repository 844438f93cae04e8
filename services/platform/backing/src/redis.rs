//! A Redis client that never makes a caller wait for an unavailable server.
//!
//! One multiplexed connection carries the commands of all callers. A background task reconnects whenever the
//! connection is lost; until then every command fails at once. So a server that is gone, frozen or restarting
//! delays only the commands in flight, each by the response time-out ([`ANSWER_WITHIN`]).
//!
//! A cache uses [`Redis::ask`], which turns every failure into a miss. A caller that must tell a failure from
//! a result runs a script with [`Redis::run`].
//!
//! redis-rs' own `ConnectionManager` reconnects as well, but its commands wait for the new connection.

use std::{
    fmt::Display,
    io,
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
    IntoConnectionInfo, RedisError, ScriptInvocation, ServerErrorKind, Value,
    aio::{MultiplexedConnection, PubSub},
    io::tcp::TcpSettings,
};
use resilience::StoreGuard;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    Background, Check, Waiting,
    spans::{Server, Summary},
    waiting::ThrottledLog,
};

/// The default response time-out. A store answers in a few milliseconds, so a slower cache saves nothing, and
/// a slower limiter costs more than what it protects.
pub const ANSWER_WITHIN: Duration = Duration::from_millis(50);
/// The time limit for making a connection.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// The pause before each attempt to reconnect.
const LEFT_ALONE: Duration = Duration::from_millis(250);
/// Commands queued for writing; a further one waits for a slot, within its response time-out.
const WAITING_COMMANDS: usize = 512;

/// A client of one server. Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    prefix: Arc<str>,
    guard: StoreGuard,
}

/// The address is malformed.
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

/// The server refuses a script permanently.
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
    /// Connects to the server at `redis://[:PASSWORD@]HOST:PORT[/DB][#PREFIX]`.
    ///
    /// Every key gets the prefix, so that several systems may share a server without key collisions. The
    /// metrics have the label `role`; `answer_within` is the response time-out of each command.
    /// Returns after the first attempt to connect, also if it failed; fails if the address is malformed.
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
        Ok(Self { link, prefix: prefix.into(), guard: StoreGuard::default() })
    }

    /// Puts a breaker before the commands; `guard` gets the address of the server.
    #[must_use]
    pub fn guarded(self, guard: impl FnOnce(&str) -> StoreGuard) -> Self {
        let guard = guard(&self.link.client.get_connection_info().addr().to_string());
        Self { guard, ..self }
    }

    /// A check of whether the server responds. Not counted as a command, because no request sent it.
    pub fn check(&self, role: &str) -> Check {
        let link = Arc::clone(&self.link);
        Check::new(role.to_owned(), move || {
            let link = Arc::clone(&link);
            async move {
                let Some(mut connection) = link.connected() else { return false };
                let answer = redis::cmd("PING").query_async::<()>(&mut connection).await;
                // A process may send no command that would find it lost. A late answer is no loss.
                if let Some(error) =
                    answer.as_ref().err().filter(|error| error.is_io_error() && !error.is_timeout())
                {
                    link.lose(error);
                }
                answer.is_ok()
            }
        })
    }

    /// The full key in Redis: `[PREFIX:]KIND:KEY`.
    pub fn key(&self, kind: &str, key: &impl Display) -> String {
        if self.prefix.is_empty() { format!("{kind}:{key}") } else { format!("{}:{kind}:{key}", self.prefix) }
    }

    /// Sends a command for a key of this kind; `None` on any failure: unavailable, timed out or refused.
    pub async fn ask<T: FromRedisValue>(&self, kind: &str, command: &Cmd) -> Option<T> {
        let asked = self.call(async |mut connection| command.query_async(&mut connection).await);
        self.link.spanned(|| of_command(command, kind), asked).await.ok()
    }

    /// Publishes a message to a channel (`PUBLISH`). `Ok` does not mean that any subscriber has received it.
    pub async fn publish(&self, channel: &str, message: &[u8]) -> Result<(), Unavailable> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(channel).arg(message);
        let sent = self.call(async |mut connection| command.query_async::<i64>(&mut connection).await);
        self.link.spanned(|| of_command(&command, "channel"), sent).await.map(drop).map_err(unavailable)
    }

    /// Opens a connection that is subscribed to a channel.
    pub(crate) async fn subscribe(&self, channel: &str) -> Result<PubSub, RedisError> {
        let subscribed = async {
            let mut connection = self.link.client.get_async_pubsub().await?;
            connection.subscribe(channel).await?;
            Ok::<_, RedisError>(connection)
        };
        timeout(CONNECT_WITHIN, subscribed).await.unwrap_or_else(|_| {
            let why = "the server does not answer in time";
            Err(io::Error::new(io::ErrorKind::TimedOut, why).into())
        })
    }

    /// Runs a script by its hash (`EVALSHA`) in one round trip; if the server does not have it yet
    /// (`NOSCRIPT`), loads it and runs it again in two more.
    ///
    /// After a time-out it is unknown whether the script had its effect. `name` is the script's name in
    /// traces.
    pub async fn run<T: FromRedisValue>(
        &self,
        name: &str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, Unavailable> {
        let ran = self.call(async |mut connection| script.invoke_async(&mut connection).await);
        self.link.spanned(|| of_script(name), ran).await.map_err(unavailable)
    }

    /// Makes a call over the connection, unless the breaker rejects it.
    ///
    /// Without a connection the breaker is not asked: the background task is one already, which finds out every
    /// 250 ms whether the server is back.
    async fn call<T>(
        &self,
        call: impl AsyncFnOnce(MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, Why> {
        let connection = self.link.connected().ok_or_else(|| self.link.skipped())?;
        let admitted = self.guard.admit().ok_or(Why::Rejected)?;
        self.link.metrics.commands.inc();
        let answer = call(connection).await;
        admitted.ends(answer.as_ref().err().is_some_and(is_unhealthy));
        self.link.outcome(answer)
    }

    /// Runs a script once at start to learn whether the server permanently refuses it: in a cluster that does
    /// not hold all of its keys, on a read-only replica, or for a user without the permission.
    ///
    /// An unavailable server counts as accepting. Waits for a cluster that is not complete yet
    /// (`CLUSTERDOWN`).
    pub async fn accepts(
        &self,
        script: &ScriptInvocation<'_>,
        waiting: &Waiting,
    ) -> Result<(), RefusedError> {
        let what = format!("the Redis cluster at `{}`", self.link.client.get_connection_info().addr());
        let attempt = || async {
            let Some(mut connection) = self.link.connected() else {
                self.link.skipped();
                return Ok(());
            };
            self.link.metrics.commands.inc();
            match script.invoke_async::<Value>(&mut connection).await {
                Err(error) if is_for_good(&error) || is_cluster_down(&error) => Err(error),
                _ => Ok(()),
            }
        };
        waiting.until(&what, attempt, is_cluster_down).await.map_err(RefusedError)
    }
}

/// Whether the error is permanent.
fn is_for_good(error: &RedisError) -> bool {
    use ServerErrorKind::{CrossSlot, Moved, NoPerm, ReadOnly, ResponseError};
    // A command that the ACL forbids inside a script is reported as `ResponseError`.
    matches!(error.kind(), ErrorKind::Server(Moved | CrossSlot | ReadOnly | NoPerm | ResponseError))
}

/// Whether the cluster has unassigned hash slots, or no quorum.
fn is_cluster_down(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ClusterDown)
}

/// Whether the error says that the server cannot serve now: no answer in time, a lost connection, or the reply of a
/// server that loads its data or misses its primary. Any other error reply is an answer.
fn is_unhealthy(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, TryAgain};
    error.is_io_error()
        || matches!(error.kind(), ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | TryAgain))
}

/// The span's `error.type` for a failure.
fn error_type(why: Why) -> &'static str {
    match why {
        Why::TimedOut => "timeout",
        Why::Unreachable => "away",
        Why::Rejected => "rejected",
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

/// A command's name and the kind of its key, for the span.
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
    /// Runs a command in a span if the operation is sampled, also a command that fails for lack of a
    /// connection.
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

    /// Counts a command that is not sent for lack of a connection.
    fn skipped(&self) -> Why {
        self.metrics.away.inc();
        Why::Unreachable
    }

    /// A handle to the connection. Clones of a `MultiplexedConnection` share one socket.
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

    /// Drops the connection, so that the background task makes another.
    fn lose(&self, error: &RedisError) {
        if self.set(None) {
            tracing::warn!(%error, "redis is left alone for a while");
            self.lost.notify_one();
        }
    }

    /// Counts a failure. An error reply leaves the connection usable; after a time-out or an I/O error it is
    /// dropped, and the background task reconnects.
    fn outcome<T>(&self, answer: Result<T, RedisError>) -> Result<T, Why> {
        answer.map_err(|error| {
            if !error.is_io_error() {
                self.metrics.refused.inc();
                tracing::warn!(%error, "redis refused a command");
                return Why::Broken;
            }
            self.metrics.failed.inc();
            self.lose(&error);
            if error.is_timeout() { Why::TimedOut } else { Why::Unreachable }
        })
    }
}

/// The background task: reconnects after each loss.
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

#[cfg(test)]
mod tests;
