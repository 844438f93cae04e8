//! The adapters of the chain's port: a crew of workers.

mod crew_metrics;
mod workers;

pub use crew_metrics::CrewMetrics;
pub use workers::Workers;
