//! `lab provider FILE`: the stand-in for a payment provider, in a separate process as the software of another company is.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    time::Duration,
};

use anyhow::{Context, Result};
use payment_provider::{Config, serve};
use scenario::diagnostic::Diagnostic;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use crate::http;

/// The time limit of its reply; a compose file's health check allows 5 s.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// Serves what a file says until SIGTERM or SIGINT.
pub fn run(file: &Path) -> Result<()> {
    let config = read(file)?;
    // As many threads as the processors that this process is pinned to.
    let runtime = Builder::new_multi_thread().enable_all().build().context("cannot start an event loop")?;
    runtime.block_on(async {
        // Heard before anything is served: to the first process of a container a signal that it does not ask for is lost.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let stop = CancellationToken::new();
        let stopped = async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            stop.cancel();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            served = serve(config, stop.clone()) => served.context("the provider did not start"),
            () = stopped => Ok(()),
        }
    })
}

/// Asks the provider that serves what a file says whether it answers.
pub fn check(file: &Path) -> Result<()> {
    let mut address = read(file)?.listen;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    if answers(address) {
        return Ok(());
    }
    let what = format!("no provider answers at `http://{address}/health`");
    Err(Diagnostic::new(what).hint("its log says why").into())
}

/// Whether a provider answers there.
pub(super) fn answers(address: SocketAddr) -> bool {
    http::get(address, "/health", ANSWER_WITHIN).is_ok_and(|reply| reply.status == 200)
}

fn read(file: &Path) -> Result<Config> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    Config::parse(&text).with_context(|| format!("`{}` is no configuration of a provider", file.display()))
}
