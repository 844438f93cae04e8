//! All long-lived connections of a process: admission, and draining at a stop.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use prometheus_client::registry::Registry;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::TaskTracker;

use super::{
    Closed, Limits,
    metrics::{Kind, LiveMetrics, MessageCounts},
    send_queue::SendQueue,
};
use crate::Sampling;

/// The interval at which a lame duck closes connections: a multiple of tokio's timer granularity of 1 ms.
const TELL_EVERY: Duration = Duration::from_millis(10);

/// File descriptors for everything but long-lived connections: requests, stores, brokers. Requests have 1,024 by default.
const OTHER_FILES: u64 = 2_048;

/// The long-lived connections of a process. Cheap to clone; all clones are the same set.
#[derive(Clone)]
pub struct Live(Arc<Hub>);

struct Hub {
    limits: Limits,
    sampling: Sampling,
    open: Mutex<Open>,
    next_id: AtomicU64,
    tasks: TaskTracker,
    metrics: LiveMetrics,
}

#[derive(Default)]
struct Open {
    queues: HashMap<u64, Arc<SendQueue>>,
    is_ending: bool,
}

impl Live {
    /// An empty set, with its metrics in `registry`; of its messages, these leave a trace.
    pub fn new(limits: Limits, sampling: Sampling, registry: &mut Registry) -> Self {
        raise_file_limit(limits.connections as u64 + OTHER_FILES);
        Self(Arc::new(Hub {
            limits,
            sampling,
            open: Mutex::default(),
            next_id: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            metrics: LiveMetrics::register(registry),
        }))
    }

    /// The limits of each connection.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Which messages leave a trace.
    pub(super) fn sampling(&self) -> Sampling {
        self.0.sampling
    }

    /// Admits a connection, if the limits allow it.
    pub(super) fn admit(&self, kind: Kind) -> Result<Admitted, Refused> {
        let hub = &self.0;
        let mut open = hub.open();
        let refused = if open.is_ending {
            Some(Refused::Stopping)
        } else {
            (open.queues.len() >= hub.limits.connections).then_some(Refused::Full)
        };
        if let Some(refused) = refused {
            hub.metrics.refused(kind, refused.label());
            return Err(refused);
        }
        let id = hub.next_id.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(SendQueue::new(&hub.limits, hub.metrics.queued()));
        open.queues.insert(id, Arc::clone(&queue));
        drop(open);
        hub.metrics.opened(kind);
        let messages = hub.metrics.messages(kind);
        Ok(Admitted { hub: Arc::clone(hub), id, kind, queue, messages })
    }

    /// Spawns a task of a connection, for which a stopping server waits.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(task);
    }

    /// Refuses new connections, and closes the open ones evenly over this time: clients that are closed together reconnect
    /// together.
    pub(crate) async fn end(&self, over: Duration) {
        let queues: Vec<_> = {
            let mut open = self.0.open();
            open.is_ending = true;
            open.queues.values().cloned().collect()
        };
        let began = Instant::now();
        let steps = (over.as_millis() / TELL_EVERY.as_millis()).max(1) as usize;
        let each = queues.len().div_ceil(steps).max(1);
        for (step, some) in queues.chunks(each).enumerate() {
            sleep_until(began + over.mul_f64((step * each) as f64 / queues.len() as f64)).await;
            for queue in some {
                queue.end(Closed::Restart);
            }
        }
    }

    /// Waits until all connections have ended.
    pub(crate) async fn ended(&self) {
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }
}

impl Hub {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a connection was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The limit of connections is reached.
    Full,
    /// The process is stopping.
    Stopping,
}

impl Refused {
    fn label(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Stopping => "stopping",
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let detail = match self {
            Self::Full => "the limit of long-lived connections is reached; try again later",
            Self::Stopping => "the process is stopping; connect again to reach another one",
        };
        let mut response =
            remote::problem(StatusCode::SERVICE_UNAVAILABLE, "overloaded", "Overloaded", detail);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }
}

/// An admitted connection. It counts until this is dropped.
pub(super) struct Admitted {
    hub: Arc<Hub>,
    id: u64,
    kind: Kind,
    pub(super) queue: Arc<SendQueue>,
    pub(super) messages: MessageCounts,
}

impl Admitted {
    pub(super) fn limits(&self) -> &Limits {
        &self.hub.limits
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.hub.open().queues.remove(&self.id);
        // A session that panicked has left no reason.
        self.queue.end(Closed::Lost);
        let why = self.queue.ended().map_or("lost", |why| why.label());
        self.hub.metrics.closed(self.kind, why);
    }
}

/// Raises the soft limit of open files to `needed`, if the hard limit allows it. The soft limit is usually 1,024, for the sake
/// of programs that call `select`; Go's runtime raises it at its start as well.
fn raise_file_limit(needed: u64) {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    if soft < needed {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, needed.min(hard), hard);
    }
    if hard < needed {
        tracing::warn!(needed, hard, "the hard limit of open files is below the limit of connections");
    }
}
