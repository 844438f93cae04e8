//! The limit of a server, under two and ten times the load that it can bear.
//!
//! The server has four workers that need 20 ms for a request, and does work that it began, as a thread pool does. Its
//! callers come whether or not earlier ones were answered, and leave after the limit of an attempt.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use resilience::{
    LimitMetrics, Priority, ShedLayer,
    limit::Limit,
    settings::{ATTEMPT, AdaptiveSettings, LimitSettings},
};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep, sleep_until, timeout},
};
use tower::{Layer as _, Service, ServiceExt as _, service_fn, util::BoxCloneSyncService};

use crate::{
    Expected::{Fails, Passes},
    Verdict, ensure, judge,
    world::MS,
};

const WORKERS: usize = 4;
/// What a request takes, and what it takes while the server has a problem.
const TAKES_MS: u64 = 20;
const TAKES_LONG_MS: u64 = 500;
/// Requests a second that it can do.
const CAPACITY: f64 = WORKERS as f64 * 1_000.0 / TAKES_MS as f64;
/// The permits of a server by default.
const PERMITS: usize = 512;

/// A server, and how many of its requests were answered in time.
struct Server {
    service: BoxCloneSyncService<(), bool, Infallible>,
    takes_ms: Arc<AtomicU64>,
    good: Arc<AtomicUsize>,
}

impl Server {
    fn new(permits: LimitSettings) -> Self {
        let (workers, takes_ms) = (Arc::new(Semaphore::new(WORKERS)), Arc::new(AtomicU64::new(TAKES_MS)));
        let takes = Arc::clone(&takes_ms);
        let work = service_fn(move |()| {
            let (workers, takes) = (Arc::clone(&workers), Arc::clone(&takes));
            // The work goes on although its caller leaves.
            let work = tokio::spawn(async move {
                let _worker = workers.acquire().await.unwrap();
                sleep(Duration::from_millis(takes.load(Ordering::Relaxed))).await;
            });
            async move {
                work.await.unwrap();
                Ok::<_, Infallible>(true)
            }
        });
        let limit = Limit::new(permits, LimitMetrics::default());
        let normal = |(): &()| Priority::Normal;
        let service = ShedLayer::new(limit, [1.0; 4], normal, |(): &(), _| false).layer(work);
        Self { service: BoxCloneSyncService::new(service), takes_ms, good: Arc::default() }
    }

    /// So many times the load that it can bear, for so long; the goodput as a share of what it can do.
    async fn bears(&self, times: f64, lasts: Duration) -> f64 {
        let (began, before) = (Instant::now(), self.good.load(Ordering::Relaxed));
        let every = Duration::from_secs_f64(1.0 / (CAPACITY * times));
        for due in (0..).map(|number| began + every * number).take_while(|due| *due < began + lasts) {
            sleep_until(due).await;
            let (mut service, good) = (self.service.clone(), Arc::clone(&self.good));
            tokio::spawn(async move {
                let reply = service.ready().await.unwrap().call(());
                if timeout(ATTEMPT, reply).await == Ok(Ok(true)) {
                    good.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let good = self.good.load(Ordering::Relaxed) - before;
        good as f64 / (CAPACITY * lasts.as_secs_f64())
    }
}

/// A server with the limit of the axis `server-limit`, and the two of no limit that fits.
fn servers() -> [(&'static str, LimitSettings, crate::Expected); 2] {
    let adaptive = LimitSettings::Adaptive(AdaptiveSettings::of_server(PERMITS));
    [("adaptive", adaptive, Passes), ("512 permits", LimitSettings::Fixed(PERMITS), Fails)]
}

async fn keeps_its_goodput(server: &Server) -> Verdict {
    for (times, least) in [(0.9, 0.85), (2.0, 0.9), (10.0, 0.8)] {
        server.bears(times, 5 * 1_000 * MS).await;
        let goodput = server.bears(times, 10 * 1_000 * MS).await;
        let is_kept = goodput >= least;
        ensure!(is_kept, "at {times} times the load its goodput is {goodput:.2} of what it can do");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_full_server_keeps_its_goodput_at_twice_and_ten_times_the_load() {
    for (subject, permits, expected) in servers() {
        judge("server: overload", subject, &keeps_its_goodput(&Server::new(permits)).await, expected);
    }
}

async fn comes_back(server: &Server) -> Verdict {
    server.bears(0.9, 5 * 1_000 * MS).await;
    server.takes_ms.store(TAKES_LONG_MS, Ordering::Relaxed);
    server.bears(0.9, 5 * 1_000 * MS).await;
    server.takes_ms.store(TAKES_MS, Ordering::Relaxed);
    server.bears(0.9, 5 * 1_000 * MS).await;
    let goodput = server.bears(0.9, 5 * 1_000 * MS).await;
    let is_back = goodput >= 0.9 * 0.95;
    ensure!(is_back, "5 s after it was slow its goodput is {goodput:.2} of what it can do");
    Ok(())
}

/// The state that Bronson and others call metastable ("Metastable Failures in Distributed Systems", `HotOS` 2021): the
/// trigger is gone, and the work for callers that left keeps the server busy.
#[tokio::test(start_paused = true)]
async fn a_server_comes_back_within_5_s_of_a_time_in_which_it_was_slow() {
    for (subject, permits, expected) in servers() {
        judge("server: recovery", subject, &comes_back(&Server::new(permits)).await, expected);
    }
}
