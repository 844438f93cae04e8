//! Faults of an arm whose processes are children of the lab: frozen, killed, failing, or cut off by the proxy on its
//! links.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use scenario::ErrorReply;
use serde_json::json;

use super::{child::SharedChild, keep::Order, victim::Processes};
use crate::{arm::Victim, http};

/// The time limit for the proxy, or for a process, to reply.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// The time limit for a process to say whether it, or its store, is well.
const HEALTH_WITHIN: Duration = Duration::from_millis(100);

/// The time limit for a keeper to start its server again.
const STARTED_WITHIN: Duration = Duration::from_secs(1);

/// The polling interval of a server that is started again.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// Processes that are stopped, and keep their connections.
pub struct Freeze(pub Vec<Processes>);

impl Victim for Freeze {
    fn look_up(&self) {
        self.0.iter().for_each(Processes::look_up);
    }

    fn begin(&self) -> Result<Instant> {
        freeze(self.0.iter())
    }

    fn end(&self) -> Result<()> {
        self.0.iter().for_each(Processes::thaw);
        Ok(())
    }
}

/// Freezes all of them; the moment when the last of those that were known was told to stop.
fn freeze<'a>(all: impl IntoIterator<Item = &'a Processes>) -> Result<Instant> {
    let mut last = Instant::now();
    for processes in all {
        last = processes.freeze()?;
    }
    Ok(last)
}

/// Service processes that are killed, and started again with the same configuration.
pub(super) struct Kill(pub(super) Vec<Service>);

/// A service process.
pub(super) struct Service {
    pub(super) child: SharedChild,
    /// Its internal server.
    pub(super) internal: SocketAddr,
}

impl Service {
    fn process(&self) -> Processes {
        Processes::Alone(self.child.lock().tracked().clone())
    }
}

impl Victim for Kill {
    /// What stands still does nothing more: a kill begins so, and takes the longer the more memory there is to free.
    fn begin(&self) -> Result<Instant> {
        let processes: Vec<Processes> = self.0.iter().map(Service::process).collect();
        freeze(&processes)
    }

    fn complete(&self) -> Result<()> {
        self.0.iter().try_for_each(|service| service.process().kill(|| service.child.lock().kill()))
    }

    fn end(&self) -> Result<()> {
        self.0.iter().try_for_each(|Service { child, .. }| {
            let mut child = child.lock();
            child.restart()?;
            // One that could not be killed may be frozen still.
            Processes::Alone(child.tracked().clone()).thaw();
            Ok(())
        })
    }

    fn has_to_start(&self) -> bool {
        true
    }

    fn is_back(&self) -> bool {
        self.0.iter().all(|service| says_yes(service.internal, "/health/ready"))
    }
}

/// The server of a keeper, which kills it and starts it again in its folder.
pub(super) struct KillServer {
    pub(super) keeper: SharedChild,
    /// What is killed.
    pub(super) server: Processes,
    /// The internal servers of the processes that use it: they know when it answers again.
    pub(super) users: Vec<SocketAddr>,
}

impl Victim for KillServer {
    fn look_up(&self) {
        self.server.look_up();
    }

    fn begin(&self) -> Result<Instant> {
        freeze([&self.server])
    }

    fn complete(&self) -> Result<()> {
        self.server.kill(|| self.keeper.lock().tell(Order::Kill.line()))
    }

    fn end(&self) -> Result<()> {
        let server = &self.server;
        // One that could not be killed may be frozen still.
        server.thaw();
        self.keeper.lock().tell(Order::Start.line())?;
        let looks = STARTED_WITHIN.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..looks {
            if server.exist() {
                return Ok(());
            }
            thread::sleep(LOOK_EVERY);
        }
        bail!("its keeper did not start it again within {} s", STARTED_WITHIN.as_secs())
    }

    fn has_to_start(&self) -> bool {
        true
    }

    fn is_back(&self) -> bool {
        self.users.iter().all(|user| says_yes(*user, "/health/backings"))
    }
}

/// Whether a process answers that all is well.
fn says_yes(internal: SocketAddr, path: &str) -> bool {
    http::get(internal, path, HEALTH_WITHIN).is_ok_and(|reply| reply.status == 200)
}

/// The path of the fault `errors` at a process's internal server.
const ERRORS: &str = "/admin/faults/errors";

/// Processes that fail a share of their calls themselves.
pub(super) struct FailCalls {
    /// Their internal servers.
    pub(super) internal: Vec<SocketAddr>,
    pub(super) share: f64,
    pub(super) reply: ErrorReply,
    pub(super) seed: u64,
    /// The time after which each ends the fault by itself.
    pub(super) lease: Duration,
}

impl Victim for FailCalls {
    fn begin(&self) -> Result<Instant> {
        // Replicas draw apart, or all would fail in step.
        (self.seed..).zip(&self.internal).try_for_each(|(seed, internal)| {
            let (share, reply, for_ms) = (self.share, self.reply.name(), self.lease.as_millis() as u64);
            let fault = json!({ "share": share, "reply": reply, "seed": seed, "for_ms": for_ms }).to_string();
            heard(*internal, http::put(*internal, ERRORS, &fault, ANSWER_WITHIN))
        })?;
        Ok(Instant::now())
    }

    fn end(&self) -> Result<()> {
        self.internal
            .iter()
            .try_for_each(|internal| heard(*internal, http::delete(*internal, ERRORS, ANSWER_WITHIN)))
    }
}

fn heard(internal: SocketAddr, reply: std::io::Result<http::Reply>) -> Result<()> {
    let reply = reply.with_context(|| format!("the process at `{internal}` did not answer"))?;
    if reply.status >= 300 {
        bail!("the process at `{internal}` refused: {}", reply.body);
    }
    Ok(())
}

/// Links that the proxy breaks.
pub(super) struct BreakLinks {
    /// The proxy's admin API.
    pub(super) admin: SocketAddr,
    /// The links' names.
    pub(super) links: Vec<String>,
    /// What is done to each, with a lease.
    pub(super) fault: proxy::Fault,
}

impl Victim for BreakLinks {
    fn begin(&self) -> Result<Instant> {
        let faults = serde_json::to_string(&[self.fault]).context("a fault is data")?;
        self.links.iter().try_for_each(|link| {
            let set = http::put(self.admin, &path(link), &faults, ANSWER_WITHIN);
            done(link, set)
        })?;
        Ok(Instant::now())
    }

    fn end(&self) -> Result<()> {
        self.links.iter().try_for_each(|link| {
            let cleared = http::delete(self.admin, &path(link), ANSWER_WITHIN);
            done(link, cleared)
        })
    }
}

fn done(link: &str, reply: std::io::Result<http::Reply>) -> Result<()> {
    let reply = reply.with_context(|| format!("the proxy did not answer for the link `{link}`"))?;
    if reply.status >= 300 {
        bail!("the proxy refused for the link `{link}`: {}", reply.body);
    }
    Ok(())
}

/// The path of a link's faults. Names of links are names of processes and stores around an arrow.
fn path(link: &str) -> String {
    format!("/links/{}/faults", link.replace(' ', "%20").replace('>', "%3E"))
}
