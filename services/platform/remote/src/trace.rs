//! Trace ids by the W3C Trace Context (<https://www.w3.org/TR/trace-context/>).
//!
//! The edge decides once, before any span is made, whether an operation is sampled.
//! An unsampled operation carries its ids and makes no spans, so it has no tracing cost.

use opentelemetry::{
    Context as OtelContext,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};

/// The id of an operation across every process: 16 bytes, never all zero.
pub type TraceId = u128;

/// The id of a span within a trace: 8 bytes.
pub type SpanId = u64;

/// The length of a `traceparent` header.
const LENGTH: usize = 55;

/// A position in a trace: the parent for further spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace {
    /// The trace id.
    pub id: TraceId,
    /// The parent span.
    pub span: SpanId,
    /// Whether the operation records spans.
    pub sampled: bool,
}

impl Trace {
    /// A new unsampled trace.
    pub fn unsampled() -> Self {
        Self { id: new_trace_id(), span: new_span_id(), sampled: false }
    }

    /// Parses a `traceparent` header: `00-<32 hex>-<16 hex>-<2 hex>`, in lower case; `None` if it is
    /// malformed.
    ///
    /// Ignores additional fields of a later version of the standard, as the standard requires.
    pub fn parse(header: &str) -> Option<Self> {
        let text = header.as_bytes();
        let separated = [2, 35, 52].into_iter().all(|at| text.get(at) == Some(&b'-'));
        let ended = text.len() == LENGTH || (text.get(LENGTH) == Some(&b'-') && text.get(..2) != Some(b"00"));
        let (version, flags) = (number::<1, 2>(text.get(..2)?)?, number::<1, 2>(text.get(53..LENGTH)?)?);
        let id = u128::from_be_bytes(number::<16, 32>(text.get(3..35)?)?);
        let span = u64::from_be_bytes(number::<8, 16>(text.get(36..52)?)?);
        let holds = separated && ended && version != [0xff] && id != 0 && span != 0;
        holds.then_some(Self { id, span, sampled: flags[0] & 1 == 1 })
    }

    /// The `traceparent` header for a callee.
    pub fn header(&self) -> String {
        let mut header = String::with_capacity(LENGTH);
        header.push_str("00-");
        push_hex::<32>(&mut header, &self.id.to_be_bytes());
        header.push('-');
        push_hex::<16>(&mut header, &self.span.to_be_bytes());
        header.push_str(if self.sampled { "-01" } else { "-00" });
        header
    }

    /// The trace id as 32 hexadecimal digits.
    pub fn id_text(&self) -> String {
        let mut text = String::with_capacity(32);
        push_hex::<32>(&mut text, &self.id.to_be_bytes());
        text
    }

    pub(crate) fn as_parent(self) -> OtelContext {
        OtelContext::new().with_remote_span_context(self.as_context())
    }

    pub(crate) fn as_context(self) -> SpanContext {
        let flags = if self.sampled { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
        SpanContext::new(self.id.into(), self.span.into(), flags, true, TraceState::NONE)
    }
}

/// Parses `DIGITS` hexadecimal digits, big-endian.
fn number<const BYTES: usize, const DIGITS: usize>(digits: &[u8]) -> Option<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    base16ct::lower::decode(<&[u8; DIGITS]>::try_from(digits).ok()?, &mut bytes).ok()?;
    Some(bytes)
}

/// Appends the bytes as hexadecimal digits. `format!` takes several times as long, and every operation needs
/// this.
fn push_hex<const DIGITS: usize>(text: &mut String, bytes: &[u8]) {
    let mut digits = [0; DIGITS];
    text.push_str(base16ct::lower::encode_str(bytes, &mut digits).unwrap_or_default());
}

/// A random trace id.
pub fn new_trace_id() -> TraceId {
    rand::random::<u128>().max(1)
}

/// A random span id.
pub fn new_span_id() -> SpanId {
    rand::random::<u64>().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let trace = Trace::parse(HEADER).expect("the example of the standard");
        assert_eq!(
            (trace.id, trace.span),
            (0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c, 0x00f0_67aa_0ba9_02b7)
        );
        assert!(trace.sampled);
        assert_eq!((trace.header().as_str(), trace.id_text().as_str()), (HEADER, &HEADER[3..35]));
        let unsampled = Trace { sampled: false, ..trace };
        assert_eq!(Trace::parse(&unsampled.header()), Some(unsampled));
        assert_eq!(Trace::parse(&HEADER.replacen("00", "cc", 1)), Some(trace), "a later version");
        assert_eq!(Trace::parse(&(HEADER.replacen("00", "cc", 1) + "-and more")), Some(trace));
    }

    #[test]
    fn what_is_no_header_is_no_trace() {
        let zero = |digits: &str| HEADER.replace(digits, &"0".repeat(digits.len()));
        for wrong in [
            String::new(),
            HEADER[..54].to_owned(),
            format!("{HEADER}-and more"),
            format!("{HEADER}0"),
            HEADER.to_uppercase(),
            HEADER.replacen("00", "ff", 1),
            HEADER.replace("-00f067", "-+0f067"),
            HEADER.replace("-00f067", "_00f067"),
            HEADER.replace("-00f067", "-\u{e9}0f067"),
            zero("0af7651916cd43dd8448eb211c80319c"),
            zero("00f067aa0ba902b7"),
        ] {
            assert_eq!(Trace::parse(&wrong), None, "`{wrong}`");
        }
    }
}
