//! The network of a project, in which the lab chooses every address.
//!
//! The engine gives a container that starts the lowest free address, unless it was told one.
//! With an address of its own a container has it from its start to its end, also when it is killed while others start,
//! and the proxy knows where its links lead before anything runs.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};
use scenario::diagnostic::Diagnostic;

use super::{
    docker::{self, DockerFault, told},
    stale::{self, OWNER, PROJECT},
};

/// The attempts to get a subnet that another program takes in between.
const ATTEMPTS: u32 = 10;

/// What the engine is asked about a network: `SUBNET GATEWAY`.
const FORMAT: &str = "{{with index .IPAM.Config 0}}{{.Subnet}} {{.Gateway}}{{end}}";

/// One network at a time: the arms of a run start at once, and would take each other's subnets.
static MAKING: Mutex<()> = Mutex::new(());

/// A project's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) name: String,
    /// The address by which its containers reach this machine, and from which this machine reaches them.
    pub(super) gateway: Ipv4Addr,
    /// The address of each service.
    addresses: BTreeMap<String, Ipv4Addr>,
}

impl Network {
    /// Creates a network of this name with an address for each service.
    ///
    /// The engine gives addresses on request only in a subnet that it was told, and it knows which are free: so it chooses
    /// one, and is then told that one.
    pub(super) fn create(name: &str, services: Vec<String>) -> Result<Self> {
        let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = || "cannot make a network for the arm".to_owned();
        for _ in 0..ATTEMPTS {
            told(create(name, &[]), failed)?;
            let said = told(docker::ask(&["network", "inspect", "--format", FORMAT, name]), failed)?;
            told(docker::ask(&["network", "rm", name]), failed)?;
            let (subnet, gateway) = said.split_once(' ').unwrap_or((&said, ""));
            match create(name, &["--subnet", subnet, "--gateway", gateway]) {
                Ok(()) => {
                    let gateway = gateway.parse();
                    let gateway = gateway.with_context(|| format!("the engine made the network `{said}`"))?;
                    return Ok(Self::with(name, gateway, services));
                }
                // Another lab was quicker.
                Err(DockerFault::Failed { words, .. }) if words.contains("overlaps") => {}
                Err(fault) => return told(Err(fault), failed),
            }
        }
        let what = format!("other programs took {ATTEMPTS} subnets of the container engine in a row");
        Err(Diagnostic::new(what).hint("run fewer labs at once").into())
    }

    /// A network whose services have the addresses after its gateway's, in their order.
    pub(super) fn with(name: &str, gateway: Ipv4Addr, services: Vec<String>) -> Self {
        let after = (u32::from(gateway).saturating_add(1)..).map(Ipv4Addr::from);
        Self { name: name.to_owned(), gateway, addresses: services.into_iter().zip(after).collect() }
    }

    /// The address of a service.
    pub(super) fn address(&self, service: &str) -> Option<Ipv4Addr> {
        self.addresses.get(service).copied()
    }
}

fn create(name: &str, subnet: &[&str]) -> Result<(), DockerFault> {
    let labels = [format!("{OWNER}={}", stale::own_name()), format!("{PROJECT}={name}")];
    let create = ["network", "create", "--label", &labels[0], "--label", &labels[1]];
    docker::ask(&[&create, subnet, &[name]].concat()).map(drop)
}
