//! What a process tells of itself: log lines on standard error, spans by OTLP.

use std::time::Duration;

use anyhow::{Context as _, Result};
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use tracing_subscriber::EnvFilter;

use crate::{HostFile, Wiring};

/// Spans that wait to be exported; further ones are dropped, never waited for.
const SPAN_QUEUE: usize = 16_384;
/// Spans that travel together.
const SPAN_BATCH: usize = 1_024;
/// How long a span waits to be exported.
const EXPORT_EVERY: Duration = Duration::from_millis(500);

/// Starts to write log lines; `RUST_LOG` chooses which, `info` and above if it is not set.
pub(crate) fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call, from a test, finds the first one's logger in place.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

/// The way of spans out of the process.
pub(crate) struct Spans(Option<SdkTracerProvider>);

impl Spans {
    /// Exports to the host file's address; without one, or with tracing off, no span is ever made.
    pub(crate) fn start(file: &HostFile, wiring: &Wiring) -> Result<Self> {
        let Some(address) = file.traces.as_ref().filter(|_| wiring.get("tracing") != "off") else {
            return Ok(Self(None));
        };
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_tonic()
            .with_endpoint(address)
            .with_timeout(Duration::from_secs(2))
            .build()
            .with_context(|| format!("cannot export spans to `{address}`"))?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(SPAN_QUEUE)
            .with_max_export_batch_size(SPAN_BATCH)
            .with_scheduled_delay(EXPORT_EVERY)
            .build();
        let resource = Resource::builder()
            .with_service_name(file.process.clone())
            .with_attribute(KeyValue::new("lab.system", file.system.clone()))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).with_batch_config(batches).build())
            .with_resource(resource)
            // Sampling is decided at the edge, before a span is made: what is made is wanted.
            .with_sampler(Sampler::AlwaysOn)
            .build();
        global::set_tracer_provider(provider.clone());
        Ok(Self(Some(provider)))
    }

    /// Sends what is left.
    pub(crate) fn flush(&self) {
        if let Some(provider) = &self.0 {
            // A receiver that is gone already has no use for them.
            let _ = provider.shutdown_with_timeout(Duration::from_secs(1));
        }
    }
}
