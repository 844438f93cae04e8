//! A service process from its start to its end.
//!
//! It ends in order: not ready, no new connections, requests under way, background tasks, spans.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use axum::{Router, http::StatusCode, routing::get};
use futures::future::LocalBoxFuture;
use nix::sched::{CpuSet, sched_setaffinity};
use prometheus_client::{encoding::text::encode, registry::Registry};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    Host, HostFile, Ingress, Sampling, ServeLimits, ServerMetrics, System, Wiring,
    health::Health,
    own_metrics::OwnMetrics,
    serve,
    telemetry::{self, Spans},
};

/// How long background tasks may take after the last request before they are cut off, and how long they and spans may
/// take before a process that nobody watches is ended.
const EXIT_MARGIN: Duration = Duration::from_secs(5);

/// The exit code of a process that did not end in time by itself.
const EXIT_HUNG: i32 = 70;

/// Puts one process of a system together.
pub type Wire = for<'a> fn(&'a mut Host) -> LocalBoxFuture<'a, Result<()>>;

/// A system and its wiring: what `lab host` can host.
pub struct Service {
    /// What it is made of.
    pub system: &'static System,
    /// How it is put together.
    pub wire: Wire,
}

/// Runs the process that a host file describes, until it is told to stop.
///
/// It stops on SIGTERM, on SIGINT, and, if its standard input is a pipe, when that closes:
/// a process does not outlive whoever started it.
pub fn host(service: &Service, file: HostFile) -> Result<()> {
    pin(&file.cpus)?;
    telemetry::log();
    // One worker a processor; with one processor nothing is gained by moving work between threads.
    let mut builder = match file.cpus.len() {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.enable_all().build()?;
    runtime.block_on(run(service, file))
}

fn pin(cpus: &[usize]) -> Result<()> {
    if cpus.is_empty() {
        return Ok(());
    }
    let mut set = CpuSet::new();
    for cpu in cpus {
        set.set(*cpu).with_context(|| format!("there is no processor {cpu}"))?;
    }
    sched_setaffinity(nix::unistd::Pid::from_raw(0), &set).context("cannot pin the process to its processors")
}

async fn run(service: &Service, file: HostFile) -> Result<()> {
    let choices = file.axes.iter().map(|(axis, value)| (axis.as_str(), value.as_str()));
    let wiring = Wiring::with(service.system, choices)?;
    wiring.check()?;
    let internal_listener = bind(file.internal).await?;
    let public_listener = match file.public {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let sampling: Sampling = wiring.get("tracing").parse()?;
    let spans = Spans::start(&file, &wiring)?;
    let limits = file.limits;
    let mut host = Host::new(file, wiring)?;
    (service.wire)(&mut host).await?;

    let (file, _, mut backings, internal, public) = host.into_parts();
    let stop = CancellationToken::new();
    backings.registry.register_collector(Box::new(OwnMetrics));
    let counted = ServerMetrics::register(&mut backings.registry);
    let health = Health::new(std::mem::take(&mut backings.checks));
    let mut servers = tokio::task::JoinSet::new();
    let serve_limits = ServeLimits::from(&limits);
    if let (Some(listener), Some(routes)) = (public_listener, public) {
        let ingress = Ingress::public(routes, limits, sampling, counted.of("public"));
        servers.spawn(serve(listener, ingress, serve_limits, stop.clone()));
    }
    let own = health.clone().routes().merge(metrics(backings.registry));
    let ingress = Ingress::internal(internal, own, limits, counted.of("internal"));
    servers.spawn(serve(internal_listener, ingress, serve_limits, stop.clone()));
    tracing::info!(process = file.process, "serving");

    let why = stopped(serve_limits.drain + EXIT_MARGIN).await?;
    tracing::info!(why, "stopping");
    health.stops();
    stop.cancel();
    while let Some(served) = servers.join_next().await {
        served.context("a server failed")?;
    }
    if tokio::time::timeout(EXIT_MARGIN, backings.background.stop()).await.is_err() {
        tracing::warn!("work beside requests was cut off");
    }
    spans.flush();
    Ok(())
}

async fn bind(address: std::net::SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        anyhow!("cannot listen on `{address}`: {error}\nhint: is another process using this port?")
    })
}

/// `/metrics`, in the text format of Prometheus.
fn metrics(registry: Registry) -> Router {
    let registry = Arc::new(registry);
    Router::new().route(
        "/metrics",
        get(async move || {
            let mut text = String::new();
            encode(&mut text, &registry).map(|()| text).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
        }),
    )
}

/// Waits until the process is told to stop, and says by what.
///
/// When whoever started it is gone, nobody is left to kill it: so it ends within `at_most`, whatever hangs.
async fn stopped(at_most: Duration) -> Result<&'static str> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    if !stdin_is_a_pipe() {
        return Ok(tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        });
    }
    // Ctrl-C reaches the whole terminal group; whoever holds the pipe decides when this process stops.
    let closed = CancellationToken::new();
    let watcher = closed.clone();
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        watcher.cancel();
        std::thread::sleep(at_most);
        std::process::exit(EXIT_HUNG);
    })?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok("SIGTERM"),
            () = closed.cancelled() => return Ok("its starter is gone"),
            _ = interrupt.recv() => {}
        }
    }
}

fn stdin_is_a_pipe() -> bool {
    use nix::sys::stat::{SFlag, fstat};
    fstat(std::io::stdin())
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO)
}
