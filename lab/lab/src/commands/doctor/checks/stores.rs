//! The stores and brokers that wirings need.

use nix::unistd::Uid;
use runtimes::{
    arm::BackingChoices,
    process::{
        kafka,
        postgres::{HOW_TO_GET, Installation},
        redis,
    },
};

use super::{Finding, State};

/// The user of a throwaway server when the lab runs as root.
fn as_whom() -> &'static str {
    if Uid::effective().is_root() { ", run as an unprivileged user" } else { "" }
}

pub(super) fn sqlite() -> Finding {
    Finding {
        state: State::Good,
        what: "sqlite",
        found: "embedded".to_owned(),
        means: "every arm with `database=sqlite`".to_owned(),
    }
}

pub(super) fn postgres() -> Finding {
    match Installation::find() {
        Some(installation) => Finding {
            state: State::Good,
            what: "postgres",
            found: installation.version,
            means: format!(
                "every arm with `database=postgres`, each on a throwaway server from `{}`{}",
                installation.bin.display(),
                as_whom(),
            ),
        },
        None => Finding {
            state: State::Missing,
            what: "postgres",
            found: "none".to_owned(),
            means: format!("would add the arms with `database=postgres`: {HOW_TO_GET}"),
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
                "every arm with `cache=redis` or `cache=tiered`, and the limiter's with `state=redis` or \
                 `state=synced`, each on a throwaway server of `{}`{}",
                installation.program.display(),
                as_whom(),
            ),
        },
        None => Finding {
            state: State::Missing,
            what: "redis",
            found: "none".to_owned(),
            means: format!(
                "would add the arms with `cache=redis` and `cache=tiered`, and the limiter's with \
                 `state=redis` and `state=synced`: {}",
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
                "every arm with `events=kafka`, each on a throwaway node from `{}` run by `{}`",
                installation.home.display(),
                installation.java.display(),
            ),
        },
        Ok(None) => embedded(format!("for a real broker {}", kafka::HOW_TO_GET)),
        Err(complaint) => embedded(complaint.to_string().replace("\nhint: ", ": ")),
    }
}
