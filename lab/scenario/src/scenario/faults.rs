//! The faults of a scenario, injected into a store or broker of every arm during the measurement: their shape
//! in a file, and their constraints.
//!
//! A fault is within an episode, because only there one arm is loaded for long enough to show a fault and the
//! recovery.

use std::{fmt, time::Duration};

use design::BackingKind;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::{Kind, LoadSpec, ScenarioFault, fault::Source};
use crate::diagnostic::did_you_mean;

/// The most faults of one scenario; more would leave no time between them.
const MAX_FAULTS: usize = 16;

/// The kinds of backing with their own processes.
const KINDS: [BackingKind; 3] = [BackingKind::Postgres, BackingKind::Redis, BackingKind::Kafka];

/// One fault, injected in each episode, in every arm.
///
/// Invariant: it begins and ends within the measured slice of an episode, and no two faults of one backing
/// overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Its start, from the start of the measured slice.
    pub at: Duration,
    /// Its duration.
    pub lasts: Duration,
    /// Its kind.
    pub what: Harm,
    /// The kind of backing.
    pub backing: BackingKind,
}

/// The kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// The backing is stopped and keeps its connections, as on a machine that stalls; then it resumes.
    Freeze,
}

impl Harm {
    /// The name in a scenario file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Freeze => "freeze",
        }
    }

    /// The same in the past tense.
    pub fn done(self) -> &'static str {
        match self {
            Self::Freeze => "frozen",
        }
    }
}

impl Fault {
    /// Its end, from the start of the measured slice.
    pub fn until(&self) -> Duration {
        self.at + self.lasts
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.backing == other.backing && self.at < other.until() && other.at < self.until()
    }
}

impl fmt::Display for Fault {
    /// `redis is frozen from 3000 ms to 5000 ms of each episode`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, done) = (self.backing.name(), self.what.done());
        let (at, until) = (self.at.as_millis(), self.until().as_millis());
        write!(formatter, "{name} is {done} from {at} ms to {until} ms of each episode")
    }
}

/// The shape of one of a scenario's `[[faults]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FaultFile {
    at_ms: u64,
    for_ms: Spanned<u64>,
    what: Harm,
    backing: Spanned<String>,
}

/// Validates the faults of a scenario: each within an episode and apart from the others.
pub(super) fn checked(
    source: &Source<'_>,
    kind: Kind,
    load: &LoadSpec,
    files: &[Spanned<FaultFile>],
) -> Result<Vec<Fault>, ScenarioFault> {
    if let (Some(first), true) = (files.first(), kind != Kind::Episodes) {
        let hint = "say `kind = \"episodes\"`: elsewhere load is on an arm for a moment at a time, and a fault would \
                    pass while it is another's turn";
        return Err(source.at(&first.span(), "only `episodes` have `[[faults]]`", hint.to_owned()));
    }
    if let Some(one_too_many) = files.get(MAX_FAULTS) {
        let what = format!("a scenario has at most {MAX_FAULTS} `[[faults]]`, found {}", files.len());
        return Err(source.at(&one_too_many.span(), what, None));
    }
    let mut faults: Vec<Fault> = Vec::new();
    for file in files {
        let fault = one(source, load, file.get_ref())?;
        if let Some(other) = faults.iter().find(|other| other.overlaps(&fault)) {
            let what = format!("two faults of one backing overlap: {other}, and {fault}");
            return Err(source.at(&file.span(), what, "end the one before the other begins".to_owned()));
        }
        faults.push(fault);
    }
    Ok(faults)
}

fn one(source: &Source<'_>, load: &LoadSpec, file: &FaultFile) -> Result<Fault, ScenarioFault> {
    let lasts = *file.for_ms.get_ref();
    if lasts == 0 {
        return Err(source.at(&file.for_ms.span(), "a fault lasts: `for_ms` is at least 1", None));
    }
    let episode = load.slice().as_millis();
    if u128::from(file.at_ms.saturating_add(lasts)) > episode {
        let what = format!(
            "the fault lasts from {} ms to {} ms, and an episode only to {episode} ms",
            file.at_ms,
            file.at_ms.saturating_add(lasts),
        );
        let hint = "`slice_ms` in `[load]`, or its phases, are the length of an episode; leave time after the fault to see the arm \
                    recover";
        return Err(source.at(&file.for_ms.span(), what, hint.to_owned()));
    }
    Ok(Fault {
        at: Duration::from_millis(file.at_ms),
        lasts: Duration::from_millis(lasts),
        what: file.what,
        backing: backing(source, &file.backing)?,
    })
}

fn backing(source: &Source<'_>, name: &Spanned<String>) -> Result<BackingKind, ScenarioFault> {
    let (word, span) = (name.get_ref().as_str(), name.span());
    if word == BackingKind::Sqlite.name() {
        let hint = "SQLite is a file, and runs within the processes that use it".to_owned();
        return Err(source.at(&span, "`sqlite` has no process of its own that could fail", hint));
    }
    KINDS.into_iter().find(|kind| kind.name() == word).ok_or_else(|| {
        let what = format!("there is no kind of backing `{word}`");
        source.at(&span, what, did_you_mean(word, KINDS.map(BackingKind::name)))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::scenario::Scenario;

    /// A valid scenario with a fault, for tests that break it in one place.
    const SOUND: &str = r#"question = "q"
why = "w"
look_for = []
kind = "episodes"
axis = "placement"
arms = ["monolith", "microservices"]
hold = { cache = "redis" }
[load]
mix = "follow-mostly"
rate = 100
slice_ms = 6000
[[faults]]
at_ms = 1000
for_ms = 2000
what = "freeze"
backing = "redis"
"#;

    fn parse(text: &str) -> Result<Scenario, ScenarioFault> {
        Scenario::parse(Path::new("scenarios/shortener/x.toml"), text)
    }

    /// Fails unless the valid scenario with one change is refused with these words.
    #[track_caller]
    fn refused(from: &str, to: &str, words: &[&str]) {
        assert!(SOUND.contains(from), "{from}");
        let Err(fault) = parse(&SOUND.replacen(from, to, 1)) else { panic!("`{to}` is accepted") };
        let message = fault.to_string();
        for word in words {
            assert!(message.contains(word), "no `{word}` in: {message}");
        }
    }

    #[test]
    fn a_fault_is_read_whole_and_says_what_it_does() {
        let scenario = parse(SOUND).unwrap();
        let told: Vec<_> = scenario.faults.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["redis is frozen from 1000 ms to 3000 ms of each episode"]);
    }

    #[test]
    fn a_fault_that_cannot_be_is_pointed_at() {
        refused("\"episodes\"", "\"paired\"", &[":12:1:", "only `episodes`", "hint:"]);
        refused(
            "for_ms = 2000",
            "for_ms = 5001",
            &[":14:10:", "1000 ms to 6001 ms", "6000 ms", "`slice_ms`"],
        );
        refused("at_ms = 1000", "at_ms = 18446744073709551615", &[":14:10:"]);
        refused("for_ms = 2000", "for_ms = 0", &[":14:10:", "at least 1"]);
        refused("\"redis\"\n", "\"reddis\"\n", &[":16:11:", "did you mean `redis`"]);
        refused("\"redis\"\n", "\"sqlite\"\n", &[":16:11:", "no process of its own"]);
        refused("\"freeze\"", "\"freez\"", &[":15:8:", "did you mean `freeze`"]);
        refused("for_ms", "for_s", &["did you mean `for_ms`"]);
    }

    #[test]
    fn faults_of_one_backing_are_apart_and_those_of_two_need_not_be() {
        let with = |at: u64, backing: &str| {
            format!(
                "{SOUND}[[faults]]\nat_ms = {at}\nfor_ms = 500\nwhat = \"freeze\"\nbacking = \"{backing}\"\n"
            )
        };
        assert_eq!(parse(&with(3000, "redis")).unwrap().faults.len(), 2, "one begins where the other ends");
        assert_eq!(parse(&with(2999, "postgres")).unwrap().faults.len(), 2);
        let message = parse(&with(2999, "redis")).map(|_| ()).unwrap_err().to_string();
        assert!(message.contains(":17:1:") && message.contains("overlap"), "{message}");
    }
}
