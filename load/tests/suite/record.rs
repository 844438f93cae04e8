//! Records: printed percentiles, void slices, and merging.

use std::time::Duration;

use load::record::{SliceRecord, Summary, histogram, needed_samples};

#[test]
fn a_percentile_with_too_few_samples_is_not_given() {
    assert_eq!([0.5, 0.9, 0.99, 0.999].map(needed_samples), [20, 100, 1_000, 10_000]);
    let mut samples = histogram();
    samples.record_n(1_000_000, 500).unwrap();
    let summary = Summary::of(&samples);
    assert!(summary.p50.is_some() && summary.p90.is_some());
    assert_eq!((summary.p99, summary.p999), (None, None));
    assert_eq!(Summary::of(&histogram()).max, None);
}

#[test]
fn a_slice_is_void_when_its_generator_was_late_and_not_when_the_system_held_every_connection() {
    let mut record = SliceRecord { planned: 1000, sent: 999, ..SliceRecord::default() };
    record.send_lag.record_n(10_000, 995).unwrap();
    record.send_lag.record_n(10_000_000, 5).unwrap();
    let bound = Duration::from_millis(1);
    assert!(!record.is_void(bound));
    (record.sent, record.unsent) = (500, 500);
    assert!(!record.is_void(bound));
    record.send_lag.record_n(10_000_000, 20).unwrap();
    assert!(record.is_void(bound));
}

#[test]
fn merging_adds_everything_and_clearing_leaves_nothing() {
    let mut one = SliceRecord {
        planned: 3,
        sent: 3,
        succeeded: 2,
        window: Duration::from_secs(1),
        ..Default::default()
    };
    one.failed.add("timeout");
    one.latency.record(5_000).unwrap();
    let mut two = one.clone();
    two.merge(&one);
    assert_eq!((two.planned, two.sent, two.succeeded), (6, 6, 4));
    assert_eq!((two.failed.get("timeout"), two.latency.len()), (2, 2));
    assert_eq!(two.window, Duration::from_secs(2));
    two.clear();
    assert_eq!((two.planned, two.failed.total(), two.latency.len(), two.window), (0, 0, 0, Duration::ZERO));
}
