//! The links of an arm that lead through the lab's proxy, because a fault of the scenario is done to them.
//!
//! They do so from the start to the end, and the same links of every arm do: the proxy costs each arm the same.

use std::{
    collections::BTreeMap,
    fs,
    net::{SocketAddr, ToSocketAddrs},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use ::proxy::{Config, Limits, LinkConfig};
use anyhow::{Context, Result, bail};
use design::BackingKind;
use scenario::{
    Fault, FaultKind,
    diagnostic::Diagnostic,
    plan::{ArmEnd, ArmLink, ArmPlan, ProcessPlan},
};
use url::Url;

use super::{
    addresses::Addressed,
    backings::OwnBacking,
    child::{Child, SharedChild},
    faults::{BreakLinks, LEASE_MARGIN},
    ports,
    start::Start,
};
use crate::{
    arm::{LaunchOptions, NotReady, Proxied, Victim},
    http,
    interrupt::Interrupt,
    measure::{Group, Part, Scope},
};

/// The name of the proxy's process, in figures and messages.
const PROXY: &str = "proxy";

/// The time limit for the proxy to serve.
const UP_WITHIN: Duration = Duration::from_secs(5);

/// The time limit of one of its replies.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The polling interval of a starting proxy.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The links that lead through the proxy, by name.
#[derive(Default)]
pub(crate) struct ProxiedLinks(BTreeMap<String, LinkConfig>);

/// The two ends of a link that leads through the proxy.
pub(crate) struct Ends {
    /// Where its caller connects.
    pub(crate) listen: SocketAddr,
    /// Where it leads.
    pub(crate) upstream: SocketAddr,
}

/// A running proxy.
pub(crate) struct RunningProxy {
    pub(crate) child: SharedChild,
    /// Its admin API.
    admin: SocketAddr,
}

impl ProxiedLinks {
    /// The chosen links of an arm, with the ends of each.
    pub(crate) fn new(
        arm: &ArmPlan,
        proxied: Proxied<'_>,
        ends: impl Fn(&ArmLink<'_>) -> Result<Ends>,
    ) -> Result<Self> {
        let mut links = BTreeMap::new();
        for link in chosen(arm, proxied) {
            let name = link.to_string();
            // A process may know one store by two roles.
            if !links.contains_key(&name) {
                let Ends { listen, upstream } = ends(&link)?;
                links.insert(name.clone(), LinkConfig { name, listen, upstream });
            }
        }
        Ok(Self(links))
    }

    /// The chosen links of an arm whose processes are children of the lab, with a port for each.
    pub(super) fn of(start: &Start<'_>, addressed: &Addressed, backings: &[OwnBacking]) -> Result<Self> {
        Self::new(start.arm, start.options.proxied, |link| {
            let upstream = upstream(link, addressed, backings)?;
            let listen = users_port(start.arm, link, start.options.port)?;
            Ok(Ends { listen, upstream })
        })
    }

    /// The address at which a caller reaches a process, `links-2`, or a backing, `redis`; `None` if the link does not
    /// lead through the proxy.
    pub(crate) fn listen(&self, from: &str, to: &str) -> Option<SocketAddr> {
        self.0.get(&format!("{from} -> {to}")).map(|link| link.listen)
    }

    /// Starts the proxy on these processors, if there are any links; returns when it serves.
    pub(crate) fn start(
        &self,
        options: &LaunchOptions<'_>,
        limits: Limits,
        cpus: &[usize],
        folder: &Path,
    ) -> Result<Option<RunningProxy>, NotReady> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let admin = ports::free()?;
        let config = Config { admin: Some(admin), limits, links: self.0.values().cloned().collect() };
        let (file, log) = (folder.join("proxy.json"), folder.join("proxy.log"));
        let text = serde_json::to_string_pretty(&config).context("a configuration is data")?;
        fs::write(&file, text).with_context(|| format!("cannot write `{}`", file.display()))?;
        let mut command = Command::new(options.program);
        command.arg(PROXY).arg(&file);
        let mut child = Child::start(PROXY, command, &log, cpus)?;
        serves(&mut child, admin, options.interrupt)?;
        Ok(Some(RunningProxy { child: SharedChild::new(child), admin }))
    }
}

impl RunningProxy {
    /// It, as something to measure.
    pub(crate) fn group(&self) -> Group {
        let scope = Scope::Process(self.child.lock().tracked().clone());
        Group { name: PROXY.to_owned(), part: Part::Proxy, scope }
    }
}

/// What breaks the links of a fault.
pub(crate) fn break_links(
    proxy: Option<&RunningProxy>,
    arm: &ArmPlan,
    fault: &Fault,
) -> Result<Box<dyn Victim>> {
    let (FaultKind::Link { kind, directions }, Some(proxy)) = (fault.what, proxy) else {
        let what = format!("no link of `{}` leads through the proxy", arm.label);
        return Err(Diagnostic::new(what).hint("start it with `--proxy`: then all links do").into());
    };
    let mut links: Vec<_> = arm.links_of(fault.target).iter().map(ToString::to_string).collect();
    links.dedup();
    let for_ms = (fault.lasts + LEASE_MARGIN).as_millis() as u64;
    let fault = ::proxy::Fault { what: kind, directions, for_ms };
    Ok(Box::new(BreakLinks { admin: proxy.admin, links, fault }))
}

/// Whether the users' link to a process is one of the chosen.
pub(super) fn are_users_proxied(arm: &ArmPlan, proxied: Proxied<'_>, process: &ProcessPlan) -> bool {
    chosen(arm, proxied).iter().any(|link| link.from.is_none() && link.to == ArmEnd::Process(process))
}

/// A port for a link that leads through the proxy: where users reach a process the requested one, if there is any.
pub(crate) fn users_port(arm: &ArmPlan, link: &ArmLink<'_>, first: Option<u16>) -> Result<SocketAddr> {
    let nth = match link.to {
        ArmEnd::Process(process) if link.from.is_none() => arm.public_index(&process.name),
        _ => None,
    };
    nth.zip(first).map_or_else(ports::free, |(nth, first)| ports::of_public(first, nth))
}

fn chosen<'a>(arm: &'a ArmPlan, proxied: Proxied<'_>) -> Vec<ArmLink<'a>> {
    match proxied {
        Proxied::Nothing => Vec::new(),
        Proxied::By(faults) => {
            let of_links = faults.iter().filter(|fault| fault.what.is_of_links());
            of_links.flat_map(|fault| arm.links_of(fault.target)).collect()
        }
        Proxied::All => {
            let mut links = arm.links();
            links.retain(|link| !matches!(link.to, ArmEnd::Backing(need) if need.kind == BackingKind::Kafka));
            links
        }
    }
}

/// Waits until the proxy replies. Then all its links accept connections.
fn serves(child: &mut Child, admin: SocketAddr, interrupt: &Interrupt) -> Result<(), NotReady> {
    let deadline = Instant::now() + UP_WITHIN;
    while !http::get(admin, "/links", ANSWER_WITHIN).is_ok_and(|reply| reply.status == 200) {
        if let Some(ended) = child.ended() {
            return Err(NotReady::Died(ended.clone()));
        }
        interrupt.check()?;
        if Instant::now() >= deadline {
            return Err(anyhow::anyhow!("the proxy did not serve within {} s", UP_WITHIN.as_secs()).into());
        }
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

/// Where a link leads.
fn upstream(link: &ArmLink<'_>, addressed: &Addressed, backings: &[OwnBacking]) -> Result<SocketAddr> {
    match link.to {
        ArmEnd::Process(process) if link.from.is_none() => {
            addressed.public(&process.name).context("users call processes with a public API")
        }
        ArmEnd::Process(process) => Ok(addressed.internal(&process.name)),
        ArmEnd::Backing(need) => {
            let of_role = |backing: &OwnBacking| {
                backing
                    .addresses
                    .iter()
                    .find(|(role, _)| *role == need.role)
                    .map(|(_, address)| address.clone())
            };
            let address = backings.iter().find_map(of_role).context("every role has an address")?;
            server_of(&address).with_context(|| format!("the link `{link}` leads to no server"))
        }
    }
}

/// The server of a backing's address.
fn server_of(address: &str) -> Result<SocketAddr> {
    let url = Url::parse(address).context("an address is a URL")?;
    let default = match url.scheme() {
        "postgres" | "postgresql" => Some(5432),
        "redis" => Some(6379),
        _ => None,
    };
    let (Some(host), Some(port)) = (url.host_str(), url.port().or(default)) else {
        bail!("it has no host and port");
    };
    let host = host.trim_matches(['[', ']']);
    (host, port).to_socket_addrs()?.next().context("its host has no address")
}

/// The same address of a backing, by way of the proxy.
pub(crate) fn by_way_of(address: &str, listen: SocketAddr) -> Result<String> {
    let mut url = Url::parse(address).context("an address is a URL")?;
    url.set_ip_host(listen.ip())
        .and_then(|()| url.set_port(Some(listen.port())))
        .ok()
        .context("it has a host")?;
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_everything_but_its_server() {
        let listen = "127.0.0.1:20001".parse().unwrap();
        for (address, server, proxied) in [
            (
                "postgres://lab:secret@127.0.0.1:5433/database_links",
                "127.0.0.1:5433",
                "postgres://lab:secret@127.0.0.1:20001/database_links",
            ),
            ("redis://:secret@127.0.0.1:7000", "127.0.0.1:7000", "redis://:secret@127.0.0.1:20001"),
            ("redis://127.0.0.1:7000/2#lab-1", "127.0.0.1:7000", "redis://127.0.0.1:20001/2#lab-1"),
            ("http://127.0.0.1:7070/", "127.0.0.1:7070", "http://127.0.0.1:20001/"),
            ("redis://127.0.0.1#lab-1", "127.0.0.1:6379", "redis://127.0.0.1:20001#lab-1"),
        ] {
            assert_eq!(server_of(address).unwrap().to_string(), server);
            assert_eq!(by_way_of(address, listen).unwrap(), proxied);
        }
        assert!(server_of("sqlite:/tmp/links.db").is_err());
    }
}
