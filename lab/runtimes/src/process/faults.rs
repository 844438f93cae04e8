//! What faults do to an arm: processes that are children of the lab are frozen and killed; on any runtime processes fail
//! calls, and the proxy breaks links.

use std::{
    io,
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use scenario::ErrorReply;
use serde_json::json;

use super::{child::SharedChild, keep::Order, victim::Processes};
use crate::{arm::Victim, http};

/// How much longer than the fault the lease of a broken link or of a failing process is: the thread that ends the fault
/// may be scheduled late.
pub(crate) const LEASE_MARGIN: Duration = Duration::from_secs(2);

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
        freeze(&self.0)
    }

    fn end(&self) -> Result<Instant> {
        // All are told before any is looked up.
        let told: Option<Vec<Instant>> = self.0.iter().map(Processes::resume).collect();
        self.0.iter().for_each(Processes::thaw);
        Ok(told.into_iter().flatten().max().unwrap_or_else(Instant::now))
    }
}

/// Freezes all of them; the moment when the last of them was told to stop, if all were known before.
fn freeze(all: &[Processes]) -> Result<Instant> {
    // All are told before any is looked up.
    let told: Option<Vec<Instant>> = all.iter().map(Processes::stop).collect();
    all.iter().try_for_each(Processes::freeze)?;
    Ok(told.into_iter().flatten().max().unwrap_or_else(Instant::now))
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

    fn restart(&self) -> Result<()> {
        let mut child = self.child.lock();
        child.restart()?;
        // One that could not be killed may be frozen still.
        Processes::Alone(child.tracked().clone()).thaw();
        Ok(())
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

    fn end(&self) -> Result<Instant> {
        let ordered = Instant::now();
        thread::scope(|scope| {
            let starting: Vec<_> = self.0.iter().map(|service| scope.spawn(|| service.restart())).collect();
            starting.into_iter().try_for_each(|thread| {
                thread.join().unwrap_or_else(|_| bail!("the lab panicked while it started a process again"))
            })
        })?;
        Ok(ordered)
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
        freeze(std::slice::from_ref(&self.server))
    }

    fn complete(&self) -> Result<()> {
        self.server.kill(|| self.keeper.lock().tell(Order::Kill.line()))
    }

    fn end(&self) -> Result<Instant> {
        let server = &self.server;
        self.keeper.lock().tell(Order::Start.line())?;
        let ordered = Instant::now();
        // One that could not be killed may be frozen still.
        server.thaw();
        let looks = STARTED_WITHIN.as_millis() / LOOK_EVERY.as_millis();
        for _ in 0..looks {
            if server.exist() {
                return Ok(ordered);
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
pub(crate) fn says_yes(internal: SocketAddr, path: &str) -> bool {
    http::get(internal, path, HEALTH_WITHIN).is_ok_and(|reply| reply.status == 200)
}

/// The path of the fault `errors` at a process's internal server.
const ERRORS: &str = "/admin/faults/errors";

/// Processes that fail a share of their calls themselves.
pub(crate) struct FailCalls {
    /// Their internal servers.
    pub(crate) internal: Vec<SocketAddr>,
    pub(crate) share: f64,
    pub(crate) reply: ErrorReply,
    pub(crate) seed: u64,
    /// The time after which each ends the fault by itself.
    pub(crate) lease: Duration,
}

impl Victim for FailCalls {
    fn begin(&self) -> Result<Instant> {
        let (share, reply, for_ms) = (self.share, self.reply.name(), self.lease.as_millis() as u64);
        // Replicas draw apart, or all would fail in step.
        let orders = (self.seed..).zip(&self.internal).map(|(seed, internal)| {
            let fault = json!({ "share": share, "reply": reply, "seed": seed, "for_ms": for_ms }).to_string();
            (process(*internal), http::send("PUT", *internal, ERRORS, &fault, ANSWER_WITHIN))
        });
        all_obeyed(orders)
    }

    fn end(&self) -> Result<Instant> {
        let order = |internal| http::send("DELETE", internal, ERRORS, "", ANSWER_WITHIN);
        all_obeyed(self.internal.iter().map(|internal| (process(*internal), order(*internal))))
    }
}

fn process(internal: SocketAddr) -> String {
    format!("the process at `{internal}`")
}

/// Links that the proxy breaks.
pub(crate) struct BreakLinks {
    /// The proxy's admin API.
    pub(crate) admin: SocketAddr,
    /// The links' names.
    pub(crate) links: Vec<String>,
    /// What is done to each, with a lease.
    pub(crate) fault: proxy::Fault,
}

impl Victim for BreakLinks {
    fn begin(&self) -> Result<Instant> {
        let faults = serde_json::to_string(&[self.fault]).context("a fault is data")?;
        self.order("PUT", &faults)
    }

    fn end(&self) -> Result<Instant> {
        self.order("DELETE", "")
    }
}

impl BreakLinks {
    fn order(&self, method: &str, json: &str) -> Result<Instant> {
        all_obeyed(self.links.iter().map(|link| {
            let order = http::send(method, self.admin, &path(link), json, ANSWER_WITHIN);
            (format!("the proxy of the link `{link}`"), order)
        }))
    }
}

/// Sends every order before it waits for a reply; returns when all are obeyed. With each comes who gets it.
fn all_obeyed(orders: impl Iterator<Item = (String, io::Result<http::Sent>)>) -> Result<Instant> {
    let sent: Vec<_> = orders.collect();
    for (who, order) in sent {
        let reply = order.and_then(http::Sent::reply).with_context(|| format!("{who} did not answer"))?;
        if reply.status >= 300 {
            bail!("{who} refused: {}", reply.body);
        }
    }
    Ok(Instant::now())
}

/// The path of a link's faults. Names of links are names of processes and stores around an arrow.
fn path(link: &str) -> String {
    format!("/links/{}/faults", link.replace(' ', "%20").replace('>', "%3E"))
}
