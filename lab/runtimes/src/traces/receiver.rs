//! A receiver of spans by OTLP over gRPC on this machine, so that traces need no installation.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use anyhow::{Context, Result};
use nix::{sched, unistd::Pid};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use tokio::{net::TcpListener, sync::oneshot};
use tonic::{Request, Response, Status, transport::server::TcpIncoming};

use super::{Collected, store::Store};

/// The largest message: an exporter's batch of 512 spans has some 200 KiB.
const MAX_MESSAGE: usize = 8 << 20;

/// A receiver for one arm. Dropping it stops it.
///
/// Each arm has its own, so that the port identifies the arm and spans need not.
pub struct Receiver {
    address: SocketAddr,
    store: Arc<Mutex<Store>>,
    end: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    /// Listens on a free port with a thread on these processors; empty for all.
    ///
    /// It belongs on the arms' processors, like an agent on a service's host: on the generator's, receiving
    /// would delay sending.
    /// would delay sending.
    pub fn start(cpus: &[usize]) -> Result<Self> {
        Self::start_at(Ipv4Addr::LOCALHOST.into(), cpus)
    }

    /// The same at another address of this machine: the one by which containers reach it.
    pub fn start_at(address: IpAddr, cpus: &[usize]) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start an event loop")?;
        let listener = runtime
            .block_on(TcpListener::bind((address, 0)))
            .with_context(|| format!("cannot listen on `{address}`"))?;
        let address = listener.local_addr().with_context(|| format!("cannot listen on `{address}`"))?;
        let store = Arc::new(Mutex::new(Store::default()));
        let service =
            TraceServiceServer::new(Collector(Arc::clone(&store))).max_decoding_message_size(MAX_MESSAGE);
        let (end, ended) = oneshot::channel::<()>();
        let cpus = cpus.to_vec();
        let thread = thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || {
                pin(&cpus);
                let serving = tonic::transport::Server::builder()
                    .add_service(service)
                    .serve_with_incoming(TcpIncoming::from(listener));
                runtime.block_on(async {
                    tokio::select! {
                        _ = serving => {}
                        _ = ended => {}
                    }
                });
            })
            .context("cannot start a thread")?;
        Ok(Self { address, store, end: Some(end), thread: Some(thread) })
    }

    /// The URL for exporters: `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The traces that arrived since the last call.
    ///
    /// Exporters send in batches, every second or so: wait a little after the last operation, or stop the arm
    /// first.
    pub fn take(&self) -> Collected {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Best effort: an unpinned receiver works as well.
fn pin(cpus: &[usize]) {
    let mut set = sched::CpuSet::new();
    let all_set = cpus.iter().all(|&cpu| set.set(cpu).is_ok());
    if all_set && !cpus.is_empty() {
        let _ = sched::sched_setaffinity(Pid::from_raw(0), &set);
    }
}

struct Collector(Arc<Mutex<Store>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).add(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse { partial_success: None }))
    }
}
