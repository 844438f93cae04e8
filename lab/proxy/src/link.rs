//! One link: its addresses, its faults, its counts.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use crate::{
    config::Limits,
    counters::{Counters, Counts},
    fault::{self, Fault, InvalidFault},
    fault_set::FaultSet,
};

/// What the connections of a link share.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) name: String,
    pub(crate) listen: SocketAddr,
    pub(crate) upstream: SocketAddr,
    pub(crate) limits: Limits,
    pub(crate) counters: Counters,
    faults: watch::Sender<Arc<FaultSet>>,
    upstream_refuses: watch::Sender<bool>,
}

/// A link as the admin API shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkState {
    /// Its name.
    pub name: String,
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where their connections lead.
    pub upstream: SocketAddr,
    /// Whether the upstream refuses connections, as far as is known: the link then refuses them as well.
    pub upstream_refuses: bool,
    /// What is in force.
    pub faults: Vec<FaultState>,
    /// What it has carried.
    pub counts: Counts,
}

/// A fault in force.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaultState {
    /// As it was set.
    pub fault: Fault,
    /// What is left of its lease, milliseconds.
    pub left_ms: u64,
}

impl Link {
    /// A link without faults.
    pub(crate) fn new(name: String, listen: SocketAddr, upstream: SocketAddr, limits: Limits) -> Self {
        Self {
            name,
            listen,
            upstream,
            limits,
            counters: Counters::default(),
            faults: watch::Sender::default(),
            upstream_refuses: watch::Sender::new(false),
        }
    }

    /// Replaces the faults by these, from now on.
    pub(crate) fn set_faults(&self, faults: &[Fault]) -> Result<(), InvalidFault> {
        fault::validate(faults)?;
        self.faults.send_replace(Arc::new(FaultSet::new(faults, Instant::now())));
        Ok(())
    }

    /// The faults, as they change.
    pub(crate) fn faults(&self) -> watch::Receiver<Arc<FaultSet>> {
        self.faults.subscribe()
    }

    /// Whether the upstream refuses connections, as it changes.
    pub(crate) fn refusals(&self) -> watch::Receiver<bool> {
        self.upstream_refuses.subscribe()
    }

    /// Notes whether the upstream refuses connections.
    pub(crate) fn note_upstream(&self, refuses: bool) {
        self.upstream_refuses.send_if_modified(|noted| std::mem::replace(noted, refuses) != refuses);
    }

    /// The link at this moment.
    pub(crate) fn state(&self) -> LinkState {
        let left = |(fault, left): (Fault, Duration)| FaultState { fault, left_ms: left.as_millis() as u64 };
        LinkState {
            name: self.name.clone(),
            listen: self.listen,
            upstream: self.upstream,
            upstream_refuses: *self.upstream_refuses.borrow(),
            faults: self.faults.borrow().left(Instant::now()).map(left).collect(),
            counts: self.counters.read(),
        }
    }
}

/// Waits until a time; for ever if there is none.
pub(crate) async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}
