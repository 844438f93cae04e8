//! The stores and brokers that wirings need.

use design::BackingKind;
use nix::unistd::Uid;
use runtimes::{
    arm::BackingChoices,
    process::{
        kafka,
        postgres::{HOW_TO_GET, Installation},
        redis,
    },
};
use scenario::systems;

use super::{Finding, State};

/// The arms that need such a store or broker: every value of every system's axes, with `or` or `and` before the last.
fn arms(kind: BackingKind, before_last: &str) -> String {
    let mut values = Vec::new();
    for axis in systems::all().flat_map(|system| system.axes) {
        let needing = axis.values.iter().filter(|value| value.needs == Some(kind));
        for value in needing.map(|value| format!("`{}={}`", axis.name, value.name)) {
            if !values.contains(&value) {
                values.push(value);
            }
        }
    }
    match values.as_slice() {
        [] => "no wiring".to_owned(),
        [only] => only.clone(),
        [others @ .., last] => format!("{} {before_last} {last}", others.join(", ")),
    }
}

/// The user of a throwaway server when the lab runs as root.
fn as_whom() -> &'static str {
    if Uid::effective().is_root() { ", run as an unprivileged user" } else { "" }
}

pub(super) fn sqlite() -> Finding {
    Finding {
        state: State::Good,
        what: "sqlite",
        found: "embedded".to_owned(),
        means: format!("every arm with {}", arms(BackingKind::Sqlite, "or")),
    }
}

pub(super) fn postgres() -> Finding {
    match Installation::find() {
        Some(installation) => Finding {
            state: State::Good,
            what: "postgres",
            found: installation.version,
            means: format!(
                "every arm with {}, each on a throwaway server from `{}`{}",
                arms(BackingKind::Postgres, "or"),
                installation.bin.display(),
                as_whom(),
            ),
        },
        None => Finding {
            state: State::Missing,
            what: "postgres",
            found: "none".to_owned(),
            means: format!("would add the arms with {}: {HOW_TO_GET}", arms(BackingKind::Postgres, "and")),
        },
    }
}

pub(super) fn redis() -> Finding {
    match redis::Installation::find() {
        Some(installation) => Finding {
            state: State::Good,
            what: "redis",
            found: installation.version,
            means: format!(
                "every arm with {}, each on a throwaway server of `{}`{}",
                arms(BackingKind::Redis, "or"),
                installation.program.display(),
                as_whom(),
            ),
        },
        None => Finding {
            state: State::Missing,
            what: "redis",
            found: "none".to_owned(),
            means: format!(
                "would add the arms with {}: {}",
                arms(BackingKind::Redis, "and"),
                redis::HOW_TO_GET,
            ),
        },
    }
}

pub(super) fn kafka(choices: &BackingChoices) -> Finding {
    let embedded = |more: String| Finding {
        state: State::Less,
        what: "kafka",
        found: "embedded".to_owned(),
        means: format!("the real protocol, in memory, not durable; {more}"),
    };
    match kafka::Installation::find(choices) {
        Ok(Some(installation)) => Finding {
            state: State::Good,
            what: "kafka",
            found: installation.version,
            means: format!(
                "every arm with {}, each on a throwaway node from `{}` run by `{}`",
                arms(BackingKind::Kafka, "or"),
                installation.home.display(),
                installation.java.display(),
            ),
        },
        Ok(None) => embedded(format!("for a real broker {}", kafka::HOW_TO_GET)),
        Err(complaint) => embedded(complaint.to_string().replace("\nhint: ", ": ")),
    }
}
