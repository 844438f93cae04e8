//! What an operator sees of crews.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

/// The label of a component.
type Labels = Vec<(&'static str, &'static str)>;

/// The metrics of all crews of a process. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct CrewMetrics {
    done: Family<Labels, Counter>,
    for_nobody: Family<Labels, Counter>,
    waiting: Family<Labels, Gauge>,
}

/// The same of one component.
#[derive(Clone, Debug)]
pub(super) struct OfComponent {
    /// Work that was done, for whomever.
    pub(super) done: Counter,
    /// Of it, work whose caller had gone away.
    pub(super) for_nobody: Counter,
    /// Work in line.
    pub(super) waiting: Gauge,
}

impl CrewMetrics {
    /// Registers them.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("work_done", "Pieces of work that were done", metrics.done.clone());
        let what = "Pieces of work that were done although their caller had gone away";
        registry.register("work_for_nobody", what, metrics.for_nobody.clone());
        registry.register("work_waiting", "Pieces of work that wait for a worker", metrics.waiting.clone());
        metrics
    }

    pub(super) fn of(&self, component: &'static str) -> OfComponent {
        let labels = vec![("component", component)];
        OfComponent {
            done: self.done.get_or_create_owned(&labels),
            for_nobody: self.for_nobody.get_or_create_owned(&labels),
            waiting: self.waiting.get_or_create_owned(&labels),
        }
    }
}
