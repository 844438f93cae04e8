//! What follows from an axis that the macro makes.

use super::*;
use crate::{BackingKind, Choice, Value};

crate::axis! {
    /// Where is a session kept,
    /// and in how many places?
    enum Sessions = "sessions" {
        Memory = "memory" => "in the process" but "all are lost when it ends",
        Redis = "redis" => "in a Redis server" needs Redis,
        .. Copies(u8) = "0 to 255" => "in so many processes",
    }
}

#[test]
fn a_table_has_what_was_written() {
    let axis = Sessions::AXIS;
    assert_eq!(axis.name, "sessions");
    assert_eq!(axis.summary, "Where is a session kept, and in how many places?");
    let rows = |rows: &[Value]| -> Vec<_> {
        rows.iter().map(|row| (row.name, row.summary, row.control, row.needs)).collect()
    };
    let memory = ("memory", "in the process", Some("all are lost when it ends"), None);
    let redis = ("redis", "in a Redis server", None, Some(BackingKind::Redis));
    assert_eq!(rows(axis.values), [memory, redis]);
    assert_eq!(rows(axis.ranges), [("0 to 255", "in so many processes", None, None)]);
}

#[test]
fn a_text_is_one_value_of_one_row_or_of_none() {
    for (text, value, row) in [
        ("memory", Sessions::Memory, "memory"),
        ("redis", Sessions::Redis, "redis"),
        ("3", Sessions::Copies(3), "0 to 255"),
    ] {
        assert_eq!(Sessions::parse(text), Some(value), "{text}");
        assert_eq!((Sessions::AXIS.parse)(text), Some(row), "{text}");
    }
    for text in ["", "Memory", "memory ", "256", "0 to 255"] {
        assert_eq!(Sessions::parse(text), None, "{text}");
        assert_eq!((Sessions::AXIS.parse)(text), None, "{text}");
    }
}

#[test]
fn a_share_is_between_0_and_1() {
    for (text, share) in [("0", 0.0), ("0.01", 0.01), ("1e-2", 0.01), ("1", 1.0)] {
        assert_eq!(Tracing::parse(text), Some(Tracing::Share(Share(share))), "{text}");
    }
    for text in ["-0.1", "1.1", "NaN", "inf", "1 %", ""] {
        assert_eq!(Tracing::parse(text), None, "{text}");
        assert_eq!(text.parse::<Share>(), Err(ShareError), "{text}");
    }
}

#[test]
fn what_counts_and_what_lasts_is_what_its_name_says() {
    for value in Replicas::AXIS.values {
        let replicas = Replicas::parse(value.name).expect("it is listed");
        assert_eq!(replicas.count().to_string(), value.name);
    }
    for value in TimeToLive::AXIS.values {
        let time_to_live = TimeToLive::parse(value.name).expect("it is listed");
        assert_eq!(format!("{}s", time_to_live.duration().as_secs()), value.name);
    }
}
