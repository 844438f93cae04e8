//! The time of operations by place, and an example operation.
//!
//! A span's own time is its duration less the time during which any of its child spans was running.
//! Own times add up to the whole, so that shares can be compared. Clocks need no alignment on one machine.
//! Work after the reply (an event's consumer) is cut off at the root's end, because no client waits for it.

use std::collections::BTreeMap;

use super::{Place, Span, SpanKind, Trace};

/// The time of operations in one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Spent {
    /// Where.
    pub place: Place,
    /// Mean microseconds per operation, over all traces, including those without this place.
    pub mean_us: f64,
    /// The share of all time, 0 to 1.
    pub share: f64,
}

/// One line of a waterfall.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The span's name; a call to a store begins with the store.
    pub name: String,
    /// Its process.
    pub process: String,
    /// Its component, if it has one.
    pub component: Option<String>,
    /// The side of a call.
    pub kind: SpanKind,
    /// Microseconds since the operation began.
    pub start_us: f64,
    /// The duration in microseconds.
    pub duration_us: f64,
    /// The number of its ancestors.
    pub depth: usize,
}

/// The mean own time of each place, the largest first. Traces without a request are left out.
pub fn where_time_goes(traces: &[Trace]) -> Vec<Spent> {
    let mut totals: BTreeMap<Place, u64> = BTreeMap::new();
    let mut operations = 0_u64;
    for trace in traces {
        let Some(root) = trace.request() else { continue };
        operations += 1;
        add_own_times(trace, root, &mut totals);
    }
    let all: u64 = totals.values().sum();
    let mut spent: Vec<_> = totals
        .into_iter()
        // Places with work only after replies take no time.
        .filter(|(_, total_ns)| *total_ns > 0)
        .map(|(place, total_ns)| Spent {
            place,
            mean_us: total_ns as f64 / 1_000.0 / operations as f64,
            share: total_ns as f64 / all.max(1) as f64,
        })
        .collect();
    spent.sort_by(|a, b| b.mean_us.total_cmp(&a.mean_us));
    spent
}

/// Adds each span's own time to its place, with each span cut to its parent's interval.
fn add_own_times(trace: &Trace, root: &Span, totals: &mut BTreeMap<Place, u64>) {
    let whole = (root.start_ns, root.end_ns);
    let mut open = vec![(root, whole, place(root, None))];
    let mut visited = 0;
    while let Some((span, interval, at)) = open.pop() {
        // A malformed trace may contain cycles.
        visited += 1;
        if visited > trace.spans.len() {
            return;
        }
        let mut inner = Vec::new();
        for child in trace.children(span) {
            let cut =
                (child.start_ns.clamp(interval.0, interval.1), child.end_ns.clamp(interval.0, interval.1));
            inner.push(cut);
            open.push((child, cut, place(child, Some(&at))));
        }
        *totals.entry(at).or_default() += interval.1 - interval.0 - covered(&inner);
    }
}

/// The place of a span's own time. A server span without a component is the far end of its parent's hop.
fn place(span: &Span, parent: Option<&Place>) -> Place {
    if let (SpanKind::Client, Some(transport)) = (span.kind, &span.hop) {
        return Place::Hop { transport: transport.clone(), to: span.name.clone() };
    }
    if let (SpanKind::Client, Some(system)) = (span.kind, &span.store) {
        return Place::Store { system: system.clone(), call: span.name.clone() };
    }
    if let (SpanKind::Server, Some(hop @ Place::Hop { .. })) = (span.kind, parent) {
        return hop.clone();
    }
    match (&span.component, parent) {
        (Some(component), _) => Place::Component(component.clone()),
        (None, Some(parent)) => parent.clone(),
        (None, None) => Place::Edge,
    }
}

/// The length of the union of intervals that are sorted by their start.
fn covered(intervals: &[(u64, u64)]) -> u64 {
    let mut total = 0;
    let mut reached = 0;
    for &(start, end) in intervals {
        let from = start.max(reached);
        if end > from {
            total += end - from;
            reached = end;
        }
    }
    total
}

/// The request of median duration among those of the most frequent kind.
pub fn usual(traces: &[Trace]) -> Option<&Trace> {
    let mut kinds: BTreeMap<&str, Vec<(&Trace, &Span)>> = BTreeMap::new();
    for trace in traces {
        if let Some(root) = trace.request() {
            kinds.entry(&root.name).or_default().push((trace, root));
        }
    }
    let mut usual = kinds.into_values().max_by_key(Vec::len)?;
    usual.sort_by_key(|(_, root)| root.duration_ns());
    Some(usual[usual.len() / 2].0)
}

/// The lines of an operation's waterfall.
pub fn rows(trace: &Trace) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(root) = trace.root() {
        add_rows(trace, root, root.start_ns, 0, &mut rows);
    }
    rows
}

/// Depth first, in order of start times; cut off below any depth of these systems.
fn add_rows(trace: &Trace, span: &Span, origin_ns: u64, depth: usize, rows: &mut Vec<Row>) {
    const DEEPEST: usize = 32;
    rows.push(Row {
        name: span.title(),
        process: span.process.clone(),
        component: span.component.clone(),
        kind: span.kind,
        start_us: span.start_ns.saturating_sub(origin_ns) as f64 / 1_000.0,
        duration_us: span.duration_ns() as f64 / 1_000.0,
        depth,
    });
    if depth < DEEPEST && rows.len() <= trace.spans.len() {
        for child in trace.children(span) {
            add_rows(trace, child, origin_ns, depth + 1, rows);
        }
    }
}

#[cfg(test)]
mod tests;
