//! What a component and a hop say of themselves: calls by outcome and their duration, hops by outcome.

use std::time::Instant;

use contract::Unavailable;
use opentelemetry::{KeyValue, trace::SpanKind};
use prometheus_client::{
    metrics::{counter::Counter, family::Family, histogram::Histogram},
    registry::Registry,
};

use crate::{Method, Reply, in_span};

/// Upper bounds of a call's duration, seconds: 50 us to 3.3 s in factors of four.
const BOUNDS: [f64; 9] = [0.000_05, 0.000_2, 0.000_8, 0.003_2, 0.012_8, 0.051_2, 0.204_8, 0.819_2, 3.276_8];

type Labels = Vec<(&'static str, &'static str)>;

/// Counts and times of a component's calls, wherever the caller is.
pub struct CallMetrics {
    methods: Vec<MethodMetrics>,
}

struct MethodMetrics {
    ok: Counter,
    failed: Counter,
    seconds: Histogram,
}

impl CallMetrics {
    /// Registers the metrics of a component's methods.
    pub fn register(registry: &mut Registry, methods: &'static [Method]) -> Self {
        let calls = Family::<Labels, Counter>::default();
        let seconds = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(BOUNDS));
        let component = methods.first().map_or("", |method| method.service);
        let registry = registry.sub_registry_with_prefix(format!("component_{component}"));
        registry.register("calls", "Calls of the component, by method and outcome", calls.clone());
        registry.register("call_seconds", "Their duration in seconds", seconds.clone());
        let of = |method: &Method| MethodMetrics {
            ok: calls.get_or_create_owned(&vec![("method", method.name), ("outcome", "ok")]),
            failed: calls.get_or_create_owned(&vec![("method", method.name), ("outcome", "failed")]),
            seconds: seconds.get_or_create_owned(&vec![("method", method.name)]),
        };
        Self { methods: methods.iter().map(of).collect() }
    }

    /// Runs a call of method number `index`, counted, timed, and as a span if the operation leaves spans.
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

/// Counts of the calls that left this process for one peer.
#[derive(Clone, Debug, Default)]
pub struct HopMetrics {
    answered: Counter,
    unavailable: Counter,
    misunderstood: Counter,
    moved: Counter,
    resent: Counter,
}

impl HopMetrics {
    /// Registers the metrics of the hops to a peer.
    pub fn register(registry: &mut Registry, peer: &'static str) -> Self {
        let hops = Family::<Labels, Counter>::default();
        let (moved, resent) = (Counter::default(), Counter::default());
        let registry = registry.sub_registry_with_prefix(format!("peer_{peer}"));
        registry.register("hops", "Calls that left this process, by outcome", hops.clone());
        registry.register("hops_moved", "Calls that went to another copy of the peer", moved.clone());
        registry.register(
            "hops_resent",
            "Calls that were sent once more, because a reused connection broke off before the head of their reply was complete",
            resent.clone(),
        );
        Self {
            answered: hops.get_or_create_owned(&vec![("outcome", "answered")]),
            unavailable: hops.get_or_create_owned(&vec![("outcome", "unavailable")]),
            misunderstood: hops.get_or_create_owned(&vec![("outcome", "misunderstood")]),
            moved,
            resent,
        }
    }

    /// Counts the calls that went to another copy.
    pub(crate) fn moved(&self) -> Counter {
        self.moved.clone()
    }

    /// Counts the calls that were sent once more.
    pub(crate) fn resent(&self) -> Counter {
        self.resent.clone()
    }

    pub(crate) fn count(&self, answer: &Result<Reply, Unavailable>) {
        match answer {
            Ok(_) => self.answered.inc(),
            Err(error) if error.why.is_transient() => self.unavailable.inc(),
            Err(_) => self.misunderstood.inc(),
        };
    }
}
