use super::*;

fn span(id: u8, parent: u8, name: &str, kind: SpanKind, from_us: u64, to_us: u64) -> Span {
    Span {
        id: vec![id],
        parent: if parent == 0 { Vec::new() } else { vec![parent] },
        name: name.to_owned(),
        process: "any".to_owned(),
        kind,
        component: None,
        hop: None,
        store: None,
        start_ns: from_us * 1_000,
        end_ns: to_us * 1_000,
    }
}

/// The edge takes 100 us: 60 in a hop, of which 40 on its far side, of which 30 in the component.
fn split_operation() -> Trace {
    let mut hop = span(2, 1, "links.resolve", SpanKind::Client, 20, 80);
    hop.hop = Some("http".to_owned());
    let far_side = span(3, 2, "links.resolve", SpanKind::Server, 30, 70);
    let mut work = span(4, 3, "links.resolve", SpanKind::Internal, 35, 65);
    work.component = Some("links".to_owned());
    let root = span(1, 0, "GET /{code}", SpanKind::Server, 0, 100);
    Trace { id: String::new(), spans: vec![work, far_side, hop, root] }
}

#[test]
fn own_times_tell_the_edge_the_hop_and_the_component_apart_and_add_up() {
    let spent = where_time_goes(&[split_operation()]);
    let of = |place: &Place| spent.iter().find(|spent| spent.place == *place).unwrap().mean_us;
    let hop = Place::Hop { transport: "http".to_owned(), to: "links.resolve".to_owned() };
    assert!((of(&Place::Edge) - 40.0).abs() < 1e-9);
    assert!((of(&hop) - 30.0).abs() < 1e-9);
    assert!((of(&Place::Component("links".to_owned())) - 30.0).abs() < 1e-9);
    let shares: f64 = spent.iter().map(|spent| spent.share).sum();
    assert!((shares - 1.0).abs() < 1e-9);
}

#[test]
fn a_store_has_the_time_of_its_calls_and_the_component_the_rest() {
    let mut calls = split_operation();
    let mut select = span(5, 4, "SELECT links", SpanKind::Client, 40, 60);
    select.store = Some("postgresql".to_owned());
    let mut send = span(6, 1, "send clicks", SpanKind::Client, 85, 95);
    send.store = Some("kafka".to_owned());
    let mut process = span(7, 6, "process clicks", SpanKind::Server, 90, 900);
    process.store = Some("kafka".to_owned());
    calls.spans.extend([select, send, process]);
    let spent = where_time_goes(std::slice::from_ref(&calls));
    let of = |place: &Place| spent.iter().find(|spent| spent.place == *place).map(|spent| spent.mean_us);
    let store = |system: &str, call: &str| Place::Store { system: system.to_owned(), call: call.to_owned() };
    assert_eq!(of(&store("postgresql", "SELECT links")), Some(20.0));
    assert_eq!(of(&Place::Component("links".to_owned())), Some(10.0));
    assert_eq!(
        of(&store("kafka", "send clicks")),
        Some(10.0),
        "what follows is a part of the call until the reply"
    );
    assert_eq!(of(&Place::Edge), Some(30.0));
    let names: Vec<_> = rows(&calls).into_iter().map(|row| row.name).collect();
    assert!(names.contains(&"postgresql SELECT links".to_owned()), "{names:?}");
}

#[test]
fn what_runs_after_the_reply_is_nobodys_wait() {
    let mut late = span(2, 1, "clicks.record", SpanKind::Internal, 90, 500);
    late.component = Some("clicks".to_owned());
    let mut after = span(3, 1, "clicks.deliver", SpanKind::Internal, 400, 900);
    after.component = Some("delivery".to_owned());
    let root = span(1, 0, "GET /{code}", SpanKind::Server, 0, 100);
    let spent = where_time_goes(&[Trace { id: String::new(), spans: vec![root, late, after] }]);
    let total: f64 = spent.iter().map(|spent| spent.mean_us).sum();
    assert!((total - 100.0).abs() < 1e-9);
    let delivery = Place::Component("delivery".to_owned());
    assert!(spent.iter().all(|spent| spent.place != delivery), "no place in an operation's time: {spent:?}");
}

#[test]
fn parallel_calls_are_counted_once_in_their_callers_own_time() {
    assert_eq!(covered(&[(0, 10), (5, 20), (30, 40)]), 30);
}

#[test]
fn the_example_is_the_median_of_the_usual_operation() {
    let follow =
        |us| Trace { id: String::new(), spans: vec![span(1, 0, "GET /{code}", SpanKind::Server, 0, us)] };
    let create =
        Trace { id: String::new(), spans: vec![span(1, 0, "POST /links", SpanKind::Server, 0, 9_000)] };
    let rows = usual(&[follow(10), create, follow(30), follow(20)]).map(rows).unwrap_or_default();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].name, "GET /{code}");
    assert!((rows[0].duration_us - 20.0).abs() < 1e-9);
}

/// A late consumer processes events whose requests were traced earlier.
#[test]
fn what_nobody_requested_is_no_example_and_takes_no_part_in_the_mean() {
    let follow = Trace { id: String::new(), spans: vec![span(1, 0, "GET /{code}", SpanKind::Server, 0, 20)] };
    let mut process = span(2, 9, "process clicks", SpanKind::Server, 0, 2_553);
    process.store = Some("memory".to_owned());
    let background = Trace { id: String::new(), spans: vec![process] };
    let flush = Trace { id: String::new(), spans: vec![span(3, 0, "flush", SpanKind::Internal, 0, 900)] };
    let traces = [background.clone(), background.clone(), background, flush, follow];
    let rows = usual(&traces).map(rows).unwrap_or_default();
    assert_eq!(rows.first().map(|row| row.name.as_str()), Some("GET /{code}"));
    let spent = where_time_goes(&traces);
    let edge = spent.iter().find(|spent| spent.place == Place::Edge).unwrap();
    assert!(spent.len() == 1 && (edge.mean_us - 20.0).abs() < 1e-9, "{spent:?}");
}

#[test]
fn the_waterfall_is_in_order_and_set_in_by_depth() {
    let rows = usual(&[split_operation()]).map(rows).unwrap_or_default();
    let depths: Vec<_> = rows.iter().map(|row| row.depth).collect();
    assert_eq!(depths, [0, 1, 2, 3]);
    assert!((rows[3].start_us - 35.0).abs() < 1e-9);
}

#[test]
fn no_trace_is_no_figure() {
    assert_eq!(where_time_goes(&[]), []);
    assert_eq!(usual(&[]).map(rows).unwrap_or_default(), []);
}
