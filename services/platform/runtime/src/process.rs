//! A service process from its start to its end.
//!
//! It says that it is alive from its first moment on, waits for its PostgreSQL without a time limit, and serves when it is
//! wired. Whether it waits for too long is for its supervisor to say, or for whoever stops it.
//! It ends in order: not ready, a lame duck for a while, no new connections, requests under way, background tasks, spans.

use std::{pin::pin, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use axum::{Router, http::StatusCode, routing::get};
use backing::Background;
use design::{
    BACKGROUND_WITHIN, EXIT_WITHIN, ProcessConfig, System, Wiring,
    axes::{ServerLimit, Tracing},
};
use futures::future::LocalBoxFuture;
use nix::sched::{CpuSet, sched_setaffinity};
use prometheus_client::{encoding::text::encode, registry::Registry};
use remote::Transport;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{
    Admission, Backings, Ingress, InjectedErrors, Sampling, ServeLimits, ServerMetrics, callees,
    events::dead_letter_routes,
    fault_injection,
    health::Health,
    host::{Host, Parts},
    own_grpc,
    own_metrics::OwnMetrics,
    serve,
    starting::{Reserved, Starting},
    telemetry::{self, Spans},
    watch::Watch,
};

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
    /// The `.proto` files of its components, compiled: a `FileDescriptorSet`, which server reflection shows.
    pub descriptors: &'static [u8],
}

/// Runs the process that a process configuration describes, until it is told to stop.
///
/// It stops on SIGTERM, on SIGINT, and, if its standard input is a pipe, when that closes:
/// a process does not outlive whoever started it.
pub fn host(service: &Service, file: ProcessConfig) -> Result<()> {
    pin(&file.cpus)?;
    // One worker a processor; with one processor nothing is gained by moving work between threads.
    let mut builder = match file.cpus.len() {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let runtime = builder.enable_all().build()?;
    // Before anything else: to the first process of a container a signal that it does not ask for is lost.
    let signals = {
        let _within = runtime.enter();
        Signals::heard()?
    };
    telemetry::log();
    let ended = runtime.block_on(run(service, file, signals));
    // What still blocks a thread, such as the look-up of a name, is not waited for.
    runtime.shutdown_background();
    ended
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

async fn run(service: &Service, file: ProcessConfig, signals: Signals) -> Result<()> {
    let choices = file.axes.iter().map(|(axis, value)| (axis.as_str(), value.as_str()));
    let wiring = Wiring::with(service.system, choices)?;
    wiring.check()?;
    let limits = file.limits;
    let serve_limits = ServeLimits::from(&limits);
    let mut told = pin!(signals.stop(limits.ending() + EXIT_WITHIN));
    let health = Health::default();
    let starting = Starting::at(file.internal, health.clone(), limits)?;
    let public_address = file.public.map(Reserved::new).transpose()?;
    let sampling = Sampling::from(wiring.choice::<Tracing>());
    let adapts = wiring.is(ServerLimit::Adaptive);
    let spans = Spans::start(&file, &wiring)?;
    let mut host = Host::new(file, wiring, health.waiting())?;
    let told_early = tokio::select! {
        biased;
        why = &mut told => Some(why?),
        wired = (service.wire)(&mut host) => wired.map(|()| None)?,
    };

    if let Some(why) = told_early {
        tracing::info!(why, "stopping before it was there");
        return end(host.background(), spans).await;
    }
    let Parts { file, mut backings, transport, internal, grpc_services, public, live } = host.into_parts()?;
    let stop = CancellationToken::new();
    backings.registry.register_collector(Box::new(OwnMetrics));
    let counted = ServerMetrics::register(&mut backings.registry);
    let errors = InjectedErrors::register(&mut backings.registry);
    let admission = Admission { adapts, errors: errors.clone(), ..limits.into() };
    let watch = Watch::register(std::mem::take(&mut backings.watched), &mut backings.registry);
    backings.background.start(|stop| watch.clone().keep(stop));
    let mut servers = tokio::task::JoinSet::new();
    if let (Some(address), Some(public)) = (public_address, public) {
        let admission = Admission { priorities: public.priorities, ..admission.clone() };
        let ingress = Ingress::public(public.router, admission, sampling, counted.of("public"));
        let ingress = live.into_iter().fold(ingress, Ingress::with_live);
        servers.spawn(serve(address.listen()?, ingress, serve_limits, stop.clone()));
    }
    let mut own = admin(&health, &watch, fault_injection::routes(errors, file.faults_from), &mut backings);
    own = own.merge(metrics(backings.registry));
    if transport == Transport::Grpc {
        own = own.merge(own_grpc::routes(&health, grpc_services, service.descriptors)?);
    }
    let admission = Admission { priorities: internal.priorities, ..admission };
    let ingress = Ingress::internal(internal.router, own, admission, counted.of("internal"));
    let internal_listener = starting.ends().await?;
    health.is_wired(backings.needed);
    servers.spawn(serve(internal_listener, ingress, serve_limits, stop.clone()));
    tracing::info!(process = file.process, "serving");

    let why = told.await?;
    tracing::info!(why, "stopping");
    health.stops();
    stop.cancel();
    while let Some(served) = servers.join_next().await {
        served.context("a server failed")?;
    }
    end(&backings.background, spans).await
}

/// Ends what goes on beside requests, within its time.
async fn end(background: &Background, spans: Spans) -> Result<()> {
    if tokio::time::timeout(BACKGROUND_WITHIN, background.stop()).await.is_err() {
        tracing::warn!("work beside requests was cut off");
    }
    spans.flush();
    Ok(())
}

/// What a process says of itself, and what its operator may have it do.
fn admin(health: &Health, watch: &Watch, faults: Router, backings: &mut Backings) -> Router {
    let dead_letters = dead_letter_routes(std::mem::take(&mut backings.dead_letters));
    let callees = callees::routes(backings.callees.clone());
    health.clone().routes().merge(watch.clone().routes()).merge(dead_letters).merge(callees).merge(faults)
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

/// What tells a process to stop, heard from when this is made.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn heard() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits until the process is told to stop, and says by what.
    ///
    /// When whoever started it is gone, nobody is left to kill it: so it ends within `at_most`, whatever hangs.
    async fn stop(mut self, at_most: Duration) -> Result<&'static str> {
        if !stdin_is_a_pipe() {
            return Ok(tokio::select! {
                _ = self.terminate.recv() => "SIGTERM",
                _ = self.interrupt.recv() => "SIGINT",
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
                _ = self.terminate.recv() => return Ok("SIGTERM"),
                () = closed.cancelled() => return Ok("its starter is gone"),
                _ = self.interrupt.recv() => {}
            }
        }
    }
}

fn stdin_is_a_pipe() -> bool {
    use nix::sys::stat::{SFlag, fstat};
    fstat(std::io::stdin())
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFIFO)
}
