//! Every axis of every system: its table, its parser and what it needs agree.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use design::{Axis, BackingKind, BackingNeed, Choice as _, EDGE, System, Wiring, axes};
use scenario::systems;

/// Every axis with its system.
fn each() -> impl Iterator<Item = (&'static System, &'static Axis)> {
    systems::all().flat_map(|system| system.axes.iter().map(move |axis| (system, axis)))
}

fn wiring(system: &str, choices: &[(&str, &str)]) -> Wiring {
    Wiring::with(systems::find(system).unwrap(), choices.iter().copied()).unwrap()
}

#[test]
fn every_value_is_read_back_as_it_was_written() {
    let mut values = 0;
    for (system, axis) in each() {
        assert!(axis.values.len() >= 2, "{}: one value is no choice", axis.name);
        for value in axis.values {
            values += 1;
            assert_eq!((axis.parse)(value.name), Some(value.name), "{}", axis.name);
            let mut wiring = Wiring::defaults(system);
            wiring.set(axis.name, value.name).unwrap();
            assert_eq!(wiring.get(axis.name), value.name);
        }
        assert_eq!(Wiring::defaults(system).get(axis.name), axis.values[0].name);
    }
    assert!(values > 40, "only {values} values were found");
}

#[test]
fn every_axis_and_value_says_what_it_is() {
    for (system, axis) in each() {
        let name = format!("{}: {}", system.name, axis.name);
        assert!(axis.summary.ends_with('?'), "{name}: `{}` is no question", axis.summary);
        for value in axis.values.iter().chain(axis.ranges) {
            assert!(!value.summary.is_empty(), "{name}: {}", value.name);
        }
        assert_eq!(system.axes.iter().filter(|other| other.name == axis.name).count(), 1, "{name}");
    }
}

#[test]
fn an_unknown_value_is_answered_with_the_nearest() {
    for (system, axis) in each() {
        for value in axis.values {
            let misspelt = format!("{}x", value.name);
            let error = Wiring::defaults(system).set(axis.name, &misspelt).unwrap_err().to_string();
            let first = format!("the axis `{}` has no value `{misspelt}`\nhint: ", axis.name);
            assert!(error.starts_with(&first), "{error}");
            assert!(error.contains(&format!("did you mean `{}`?", value.name)), "{error}");
        }
    }
}

#[test]
fn an_unknown_axis_is_answered_with_the_nearest() {
    for (system, axis) in each() {
        let misspelt = format!("{}x", axis.name);
        let error = Wiring::defaults(system).set(&misspelt, "none").unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{}` has no axis `{misspelt}`\nhint: ", system.name)), "{error}");
        assert!(error.contains(&format!("did you mean `{}`?", axis.name)), "{error}");
    }
}

#[test]
fn whatever_a_value_needs_is_used_by_somebody() {
    for system in systems::all() {
        let needing = system.axes.iter().filter(|axis| axis.values.iter().any(|value| value.needs.is_some()));
        let needing: Vec<_> = needing.map(|axis| axis.name).collect();
        for axis in &needing {
            let is_broker = *axis == axes::Events::AXIS.name && !system.event_users().is_empty();
            let is_listed = system.backings.iter().any(|backing| backing.axis == *axis);
            assert!(is_broker != is_listed, "{}: {axis}", system.name);
        }
        let is_there = |who: &str| who == EDGE || system.components.iter().any(|(name, _)| *name == who);
        for backing in system.backings {
            let name = format!("{}: {}", system.name, backing.role);
            assert!(needing.contains(&backing.axis), "{name}: no value of `{}` needs anything", backing.axis);
            assert!(!backing.used_by.is_empty() && backing.used_by.iter().all(|who| is_there(who)), "{name}");
        }
    }
}

fn need(role: &str, kind: BackingKind, used_by: &[&'static str]) -> BackingNeed {
    BackingNeed { role: role.to_owned(), kind, used_by: used_by.to_vec() }
}

#[test]
fn the_shortener_needs_what_its_values_need() {
    let cases = [
        (&[][..], vec![need("database", BackingKind::Sqlite, &["links", "clicks"])]),
        (
            &[("database", "postgres"), ("cache", "redis"), ("events", "kafka")],
            vec![
                need("database", BackingKind::Postgres, &["links", "clicks"]),
                need("cache", BackingKind::Redis, &["links"]),
                need("events", BackingKind::Kafka, &[EDGE, "clicks"]),
            ],
        ),
        (
            &[("ownership", "per-service"), ("cache", "tiered"), ("events", "memory")],
            vec![
                need("database/links", BackingKind::Sqlite, &["links"]),
                need("database/clicks", BackingKind::Sqlite, &["clicks"]),
                need("cache", BackingKind::Redis, &["links"]),
            ],
        ),
    ];
    for (choices, needs) in cases {
        assert_eq!(wiring("shortener", choices).backings(), needs, "{choices:?}");
    }
}

#[test]
fn the_limiter_needs_a_redis_where_counts_are_in_one() {
    let policies = need("database", BackingKind::Sqlite, &["policies"]);
    for value in systems::find("limiter").unwrap().values("state") {
        let mut needs = vec![policies.clone()];
        if ["redis", "synced"].contains(&value) {
            needs.push(need("counts", BackingKind::Redis, &["decisions"]));
        }
        assert_eq!(wiring("limiter", &[("state", value)]).backings(), needs, "{value}");
    }
}

#[test]
fn an_axis_that_a_system_does_not_take_has_its_default() {
    let limiter = wiring("limiter", &[]);
    assert!(limiter.is(axes::Cache::None) && limiter.is(axes::Ownership::Shared));
    assert_eq!(axes::Cache::parse(axes::Cache::AXIS.values[0].name), Some(axes::Cache::None));
}
