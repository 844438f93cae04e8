//! What a process tells of itself: log lines on standard error, spans by OTLP.

use std::{fmt, time::Duration};

use anyhow::{Context as _, Result};
use design::{FLUSH_WITHIN, ProcessConfig, Wiring, axes::Tracing};
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{
    Resource,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider},
};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{Writer, format},
    },
    registry::LookupSpan,
};

/// Spans that wait to be exported; further ones are dropped, never waited for.
const SPAN_QUEUE: usize = 16_384;
/// Spans that travel together.
const SPAN_BATCH: usize = 1_024;
/// How long a span waits to be exported.
const EXPORT_EVERY: Duration = Duration::from_millis(500);

/// Starts to write log lines; `RUST_LOG` chooses which, `info` and above if it is not set.
///
/// A line that is written for an operation which leaves a trace ends with the trace's id.
pub fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    // A second call, from a test, finds the first one's logger in place.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .event_format(WithTrace(format().with_ansi(false)))
        .try_init();
}

/// A log line, and the id of the trace that it belongs to.
struct WithTrace<F>(F);

impl<S, N, F> FormatEvent<S, N> for WithTrace<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(operation) = remote::current().filter(|operation| operation.trace.sampled) else {
            return self.0.format_event(context, writer, event);
        };
        let mut line = String::new();
        self.0.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{} trace_id={:032x}", line.trim_end(), operation.trace.id)
    }
}

/// The way of spans out of the process.
pub(crate) struct Spans(Option<SdkTracerProvider>);

impl Spans {
    /// Exports to the process configuration's address; without one, or with tracing off, no span is ever made.
    pub(crate) fn start(file: &ProcessConfig, wiring: &Wiring) -> Result<Self> {
        let Some(address) = file.traces.as_ref().filter(|_| !wiring.is(Tracing::Off)) else {
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
            let _ = provider.shutdown_with_timeout(FLUSH_WITHIN);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex, PoisonError},
    };

    use remote::{Context, Trace, scope};

    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_line_of_an_operation_that_leaves_a_trace_ends_with_its_id() {
        let kept = Kept::default();
        let writer = kept.clone();
        let logger = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .event_format(WithTrace(format().with_ansi(false)))
            .finish();
        let _logging = tracing::subscriber::set_default(logger);
        for (id, sampled) in [(0xa, true), (0xb, false)] {
            let context = Context { trace: Trace { id, span: 1, sampled }, ..Context::unattended() };
            scope(context, async { tracing::info!(code = "abc", "a link was made") }).await;
        }
        tracing::info!("nobody's line");
        let text = kept.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let text = String::from_utf8(text).expect("text");
        let lines: Vec<_> =
            text.lines().map(|line| line.split_once("INFO").map_or(line, |(_, rest)| rest)).collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].ends_with("a link was made code=\"abc\" trace_id=0000000000000000000000000000000a"),
            "{text}"
        );
        assert!(lines[1].ends_with("a link was made code=\"abc\""), "{text}");
        assert!(lines[2].ends_with("nobody's line"), "{text}");
    }
}
