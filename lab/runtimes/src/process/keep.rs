//! `lab keep`: the parent of a throwaway server, which ends it and removes its folder when the lab is gone.
//!
//! A database server does not end with its standard input, so a small process that does stands between it and
//! the lab. It stays the server's parent to the end, because an orphan without a reaper would stay in the
//! process table. If the keeper itself is killed, [`tether`](super::tether) ends the server.
//!
//! A fault may kill the server, and start it again in its folder. The lab writes a line to the keeper's standard input
//! for either, so that the keeper does not take the server's end for one by itself.

use std::{
    io::BufRead,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use nix::{
    sys::signal::{self, Signal},
    unistd::Pid,
};
use tokio::signal::unix::{SignalKind, signal};

use super::victim::{kill_below, thaw_below};

/// The time limit for a server to end: a database writes a checkpoint, a log closes its segments.
const END_WITHIN: Duration = Duration::from_secs(10);

/// The polling interval of the server.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The arguments.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The folder to remove at the end.
    pub folder: PathBuf,
    /// The user and group to run as; `None` for the current ones.
    pub user: Option<(u32, u32)>,
    /// The signal that ends the server.
    pub ask: Ask,
    /// The server's command line.
    pub command: Vec<String>,
}

/// The signal that ends a server in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// SIGINT, which for PostgreSQL means: roll back transactions in flight, write a checkpoint, end.
    /// On SIGTERM it would wait for its clients.
    Interrupt,
    /// SIGTERM, as most servers expect.
    Terminate,
}

impl Ask {
    /// Every way.
    pub const ALL: [Self; 2] = [Self::Interrupt, Self::Terminate];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "interrupt",
            Self::Terminate => "terminate",
        }
    }

    fn signal(self) -> Signal {
        match self {
            Self::Interrupt => Signal::SIGINT,
            Self::Terminate => Signal::SIGTERM,
        }
    }
}

/// What a keeper is to do; the first two are lines of its standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Kill the server with all its processes.
    Kill,
    /// Start the server again.
    Start,
    /// End the server, and remove its folder.
    End,
}

impl Order {
    /// The line; an end is the end of the input.
    pub(super) fn line(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Start => "start",
            Self::End => "",
        }
    }
}

/// Keeps a server until standard input ends, a signal arrives, or the server ends by itself.
pub fn run(keep: &Keep) -> Result<()> {
    let program = std::env::current_exe().context("cannot find the lab's own program")?;
    let mut command = tethered(&program, keep);
    // The handlers are installed before the server starts, so that no signal is missed.
    let orders = orders()?;
    let mut start = move || command.spawn().with_context(|| format!("cannot start `{}`", program.display()));
    let mut server = Some(start()?);
    let outcome = loop {
        if let Some(running) = &mut server
            && let Some(status) = running.try_wait().context("cannot watch the server")?
        {
            break Err(anyhow::anyhow!("the server ended by itself: {status}"));
        }
        match orders.recv_timeout(LOOK_EVERY) {
            Err(mpsc::RecvTimeoutError::Timeout) => {}
            Ok(Order::Kill) => {
                if let Some(mut running) = server.take() {
                    kill_below(std::process::id());
                    running.wait().context("cannot wait for the server")?;
                }
            }
            Ok(Order::Start) => {
                if server.is_none() {
                    server = Some(start()?);
                }
            }
            Ok(Order::End) | Err(mpsc::RecvTimeoutError::Disconnected) => {
                if let Some(mut running) = server.take() {
                    end(&mut running, keep.ask);
                }
                break Ok(());
            }
        }
    };
    std::fs::remove_dir_all(&keep.folder)
        .with_context(|| format!("cannot remove `{}`", keep.folder.display()))?;
    outcome
}

/// The command of a server that ends with this process.
fn tethered(lab: &Path, keep: &Keep) -> Command {
    let mut command = Command::new(lab);
    command.arg("tether").arg("--keeper").arg(std::process::id().to_string());
    if let Some((user, group)) = keep.user {
        command.arg("--user").arg(format!("{user}:{group}"));
    }
    command.arg("--").args(&keep.command).stdin(Stdio::null());
    command
}

/// The orders: lines of standard input, its end, and signals.
fn orders() -> Result<mpsc::Receiver<Order>> {
    let (from_input, orders) = mpsc::sync_channel(2);
    let from_signal = from_input.clone();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let known = [Order::Kill, Order::Start].into_iter().find(|order| order.line() == line);
            if known.is_some_and(|order| from_input.send(order).is_err()) {
                return;
            }
        }
        let _ = from_input.send(Order::End);
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("cannot listen for signals")?;
    let (listening, is_listening) = mpsc::sync_channel(1);
    thread::spawn(move || {
        runtime.block_on(async move {
            // The kernel sends SIGHUP to an orphaned process group with a stopped process: a lab that was
            // killed while it had frozen the server leaves one.
            let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
            let [Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)] = kinds.map(signal) else {
                return;
            };
            let _ = listening.send(());
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                _ = hangup.recv() => {}
            }
            let _ = from_signal.send(Order::End);
        });
    });
    is_listening.recv().context("cannot listen for signals")?;
    Ok(orders)
}

fn end(server: &mut Child, ask: Ask) {
    thaw_below(std::process::id());
    let pid = Pid::from_raw(i32::try_from(server.id()).unwrap_or(i32::MAX));
    let _ = signal::kill(pid, ask.signal());
    let deadline = Instant::now() + END_WITHIN;
    while matches!(server.try_wait(), Ok(None)) {
        if Instant::now() >= deadline {
            let _ = server.kill();
            let _ = server.wait();
            return;
        }
        thread::sleep(LOOK_EVERY);
    }
}
