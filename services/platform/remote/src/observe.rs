//! A process's metrics of component calls and hops: counts by outcome, and durations.
//!
//! A hop is OpenTelemetry's `rpc.client.call.duration` under its Prometheus name:
//! <https://opentelemetry.io/docs/specs/semconv/rpc/rpc-metrics/>. A call of a component may stay in the
//! process, for which there is no convention: its metrics have names of their own.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use contract::{Unavailable, Why};
use opentelemetry::{KeyValue, trace::SpanKind};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};
use resilience::{Callee, Callees, Preset, Settings};

use crate::{Method, Transport, in_span};

/// Upper bounds of the duration histograms, in seconds: 50 us to 3.3 s in factors of four.
pub const DURATION_BOUNDS: [f64; 9] =
    [0.000_05, 0.000_2, 0.000_8, 0.003_2, 0.012_8, 0.051_2, 0.204_8, 0.819_2, 3.276_8];

type Labels = Vec<(&'static str, &'static str)>;
type Counters = Family<Labels, Counter>;
type Durations = Family<Labels, Histogram, fn() -> Histogram>;

/// The metrics of a process's components and of its calls to other processes.
#[derive(Clone, Debug)]
pub struct RpcMetrics {
    calls: Counters,
    call_seconds: Durations,
    asked: Counters,
    hop_seconds: Durations,
    callees: Callees,
}

impl RpcMetrics {
    /// Registers each metric once; components and peers are labels.
    pub fn register(registry: &mut Registry) -> Self {
        let callees = Callees::register(registry);
        Self::with(registry, callees)
    }

    /// The same for a process that knows of callees which are no components.
    pub fn with(registry: &mut Registry, callees: Callees) -> Self {
        let durations = || Durations::new_with_constructor(|| Histogram::new(DURATION_BOUNDS));
        let metrics = Self {
            calls: Counters::default(),
            call_seconds: durations(),
            asked: Counters::default(),
            hop_seconds: durations(),
            callees,
        };
        registry.register(
            "component_calls",
            "Calls of a component, by method and outcome",
            metrics.calls.clone(),
        );
        registry.register(
            "component_call_seconds",
            "Their duration in seconds",
            metrics.call_seconds.clone(),
        );
        registry.register(
            "peer_calls",
            "Calls that were begun, by peer, each once however often it is sent",
            metrics.asked.clone(),
        );
        registry.register(
            "rpc_client_call_duration_seconds",
            "Duration of calls that left this process, by peer, method and error",
            metrics.hop_seconds.clone(),
        );
        metrics
    }

    /// The metrics of one component, by method.
    pub fn component(&self, methods: &'static [Method]) -> CallMetrics {
        let of = |method: &Method| {
            let own = || vec![("component", method.service), ("method", method.name)];
            let outcome =
                |outcome| self.calls.get_or_create_owned(&[own(), vec![("outcome", outcome)]].concat());
            MethodMetrics {
                ok: outcome("ok"),
                failed: outcome("failed"),
                seconds: self.call_seconds.get_or_create_owned(&own()),
            }
        };
        CallMetrics { methods: methods.iter().map(of).collect() }
    }

    /// The metrics of the calls to one component in another process.
    pub fn peer(&self, peer: &'static str) -> HopMetrics {
        self.callees.announce(peer);
        let asked = self.asked.get_or_create_owned(&vec![("peer", peer)]);
        HopMetrics { peer, asked, seconds: self.hop_seconds.clone(), callees: self.callees.clone() }
    }

    /// The components in other processes that this process calls: budgets, breakers, limits.
    pub fn callees(&self) -> &Callees {
        &self.callees
    }
}

/// Counters and durations of a component's calls, from callers in any process.
pub struct CallMetrics {
    methods: Vec<MethodMetrics>,
}

struct MethodMetrics {
    ok: Counter,
    failed: Counter,
    seconds: Histogram,
}

impl CallMetrics {
    /// Runs a call of the method at `index`: counts it, times it, and records a span if the operation is
    /// sampled.
    pub async fn observe<P, E>(
        &self,
        index: usize,
        method: &'static Method,
        call: impl Future<Output = Result<P, E>>,
    ) -> Result<P, E> {
        let began = Instant::now();
        let describe = || {
            let name = format!("{}.{}", method.service, method.name);
            let component = KeyValue::new("lab.component", method.service);
            (name, SpanKind::Internal, vec![component])
        };
        let answer = in_span(describe, call).await;
        let metrics = &self.methods[index];
        let outcome = if answer.is_ok() { &metrics.ok } else { &metrics.failed };
        outcome.inc();
        metrics.seconds.observe(began.elapsed().as_secs_f64());
        answer
    }
}

/// Counters and durations of the calls from this process to one peer.
#[derive(Clone, Debug)]
pub struct HopMetrics {
    peer: &'static str,
    asked: Counter,
    seconds: Durations,
    callees: Callees,
}

impl HopMetrics {
    /// What all clients of the peer in this process share.
    pub(crate) fn callee(&self, preset: Preset, settings: &Settings) -> Arc<Callee> {
        self.callees.get(self.peer, preset, settings)
    }

    /// Counts a call that begins. Its retries count apart; what completes may do so seconds later.
    pub(crate) fn begun(&self) {
        self.asked.inc();
    }

    /// Records a completed call. An error of the contract counts as a response.
    pub(crate) fn observe(
        &self,
        transport: Transport,
        method: &'static Method,
        took: Duration,
        error: Option<&Unavailable>,
    ) {
        // The convention has no `rpc.system.name` for JSON over HTTP and permits custom names.
        let (system, path) = match transport {
            Transport::Http => ("http_json", method.http_path),
            Transport::Grpc => ("grpc", method.grpc_path),
        };
        let labels = vec![
            ("peer", self.peer),
            ("rpc_system_name", system),
            ("rpc_method", path.trim_start_matches('/')),
            // Empty without an error; Prometheus treats an empty label as absent.
            ("error_type", error.map_or("", |error| error_type(error.why))),
        ];
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

/// The label `error.type` for a failure.
const fn error_type(why: Why) -> &'static str {
    match why {
        Why::Unreachable => "unreachable",
        Why::TimedOut => "timed-out",
        Why::Overloaded => "overloaded",
        Why::Rejected => "rejected",
        Why::Misunderstood => "misunderstood",
        Why::Broken => "broken",
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;

    use super::*;

    static METHODS: [Method; 1] = [Method {
        service: "links",
        name: "resolve",
        http_path: "/links/resolve",
        grpc_service: "lab.shortener.v1.LinksService",
        grpc_path: "/lab.shortener.v1.LinksService/Resolve",
        idempotent: true,
        priority: resilience::Priority::Normal,
    }];

    #[tokio::test]
    async fn components_and_peers_are_labels_and_each_metric_is_described_once() {
        let mut registry = Registry::default();
        let metrics = RpcMetrics::register(&mut registry);
        let component = metrics.component(&METHODS);
        component.observe(0, &METHODS[0], async { Ok::<_, ()>(()) }).await.expect("it is done");
        let took = Duration::from_micros(100);
        for peer in ["links", "clicks"] {
            metrics.peer(peer).begun();
            metrics.peer(peer).observe(Transport::Http, &METHODS[0], took, None);
        }
        let broken = Unavailable::new("links", Why::Unreachable);
        metrics.peer("links").observe(Transport::Grpc, &METHODS[0], took, Some(&broken));
        let mut text = String::new();
        encode(&mut text, &registry).expect("metrics");
        let hops = "rpc_client_call_duration_seconds_count";
        for line in [
            "component_calls_total{component=\"links\",method=\"resolve\",outcome=\"ok\"} 1",
            "component_call_seconds_count{component=\"links\",method=\"resolve\"} 1",
            &format!(
                "{hops}{{peer=\"clicks\",rpc_system_name=\"http_json\",rpc_method=\"links/resolve\",error_type=\"\"}} 1"
            ),
            &format!(
                "{hops}{{peer=\"links\",rpc_system_name=\"grpc\",rpc_method=\"lab.shortener.v1.LinksService/Resolve\",error_type=\"unreachable\"}} 1"
            ),
            "peer_calls_total{peer=\"links\"} 1",
            "peer_retries_total{peer=\"clicks\",reason=\"lost\"} 0",
            "peer_retries_total{peer=\"links\",reason=\"not-processed\"} 0",
        ] {
            assert!(text.lines().any(|one| one == line), "no {line} in\n{text}");
        }
        let mut types: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let all = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!((types.len(), all), (6, 6), "{text}");
    }
}
