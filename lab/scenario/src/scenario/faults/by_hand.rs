//! A fault that a person makes in a system that is up, in the words of a scenario file.

use std::{path::Path, time::Duration};

use design::{BackingKind, System};
use serde::{Deserialize, Serialize};
use toml::{Spanned, Table, Value};

use super::{Fault, FaultFile, Source, done_to, target::KINDS};
use crate::{diagnostic::Diagnostic, scenario::ScenarioFault};

/// A fault as a person says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultByHand {
    /// What is done, as in a scenario file: `slow`.
    pub what: String,
    /// To what: a process, a backing, or a link: `links`, `redis`, `gateway -> links`.
    pub target: String,
    /// Parameters by their names in a scenario file, as TOML: `latency_ms` and `50`.
    pub with: Vec<(String, String)>,
    /// How long it lasts, milliseconds.
    pub for_ms: u64,
}

/// The parameters that a person may leave out, by kind.
const DEFAULTS: [(&str, &[&str], &str, i64); 5] = [
    ("slow", &["latency_ms", "latency"], "latency_ms", 100),
    ("errors", &["share"], "share", 1),
    ("throttle", &["bytes_per_second"], "bytes_per_second", 10_000),
    ("flap", &["down_ms"], "down_ms", 500),
    ("flap", &["up_ms"], "up_ms", 500),
];

impl FaultByHand {
    /// The fault, from `at` on. Whether the wiring has its target is for the plan to say.
    pub fn checked(&self, system: &System, at: Duration) -> Result<Fault, Diagnostic> {
        let text = self.text()?;
        let source = Source { path: Path::new("by hand"), folder: String::new(), text: &text };
        let read = toml::from_str::<Spanned<FaultFile>>(&text).map_err(|error| source.toml(&error));
        let (what, target) = read.and_then(|file| done_to(&source, system, &file)).map_err(without_place)?;
        Ok(Fault { at, lasts: Duration::from_millis(self.for_ms), what, target })
    }

    /// The same as one of a scenario's `[[faults]]`.
    fn text(&self) -> Result<String, Diagnostic> {
        let mut table = Table::new();
        for (name, value) in &self.with {
            if name == "latency" && value.parse::<f64>().is_ok() {
                let hint = format!("write `latency_ms={value}`; `latency` is a distribution");
                return Err(Diagnostic::new("`latency` is not a number").hint(hint));
            }
            let value =
                format!("value = {value}").parse::<Table>().ok().and_then(|mut one| one.remove("value"));
            // A bare word is a text: `direction=to`.
            let word = || Value::String(self.given(name));
            if table.insert(name.clone(), value.unwrap_or_else(word)).is_some() {
                return Err(Diagnostic::new(format!("`{name}` is given twice")).hint("leave one of them out"));
            }
        }
        let defaults = DEFAULTS.iter().filter(|(what, ..)| *what == self.what);
        for (_, instead, name, value) in defaults {
            if !instead.iter().any(|name| table.contains_key(*name)) {
                table.insert((*name).to_owned(), Value::Integer(*value));
            }
        }
        table.insert("at_ms".to_owned(), Value::Integer(0));
        table.insert("for_ms".to_owned(), Value::Integer(self.for_ms.try_into().unwrap_or(i64::MAX)));
        table.insert("what".to_owned(), Value::String(self.what.clone()));
        table.insert(self.kind_of_target().to_owned(), Value::String(self.target.clone()));
        Ok(table.to_string())
    }

    fn given(&self, name: &str) -> String {
        self.with.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    fn kind_of_target(&self) -> &'static str {
        let kinds = KINDS.into_iter().chain([BackingKind::Sqlite]);
        if self.target.contains("->") {
            "link"
        } else if kinds.map(BackingKind::name).any(|name| name == self.target) {
            "backing"
        } else {
            "process"
        }
    }
}

/// A place in a file that nobody wrote says nothing.
fn without_place(fault: ScenarioFault) -> Diagnostic {
    match fault {
        ScenarioFault::At { what, hint, .. } => Diagnostic::new(what).maybe_hint(hint),
        other => Diagnostic::new(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systems;

    fn by_hand(what: &str, target: &str, with: &[(&str, &str)]) -> Result<String, String> {
        let with = with.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let fault = FaultByHand { what: what.to_owned(), target: target.to_owned(), with, for_ms: 1_000 };
        let checked = fault.checked(systems::find("shortener").unwrap(), Duration::ZERO);
        checked.map(|fault| format!("{} is {}", fault.target, fault.what)).map_err(|why| why.to_string())
    }

    #[test]
    fn a_person_says_what_a_scenario_file_says_and_may_leave_figures_out() {
        for (what, target, with, told) in [
            ("kill", "gateway", &[][..], "gateway is down after a kill"),
            ("kill", "postgres", &[], "postgres is down after a kill"),
            ("slow", "links", &[], "links is slowed by 100 ms each way"),
            ("slow", "links->redis", &[("latency_ms", "5")], "links -> redis is slowed by 5 ms each way"),
            (
                "slow",
                "links",
                &[("latency", "{ uniform = { from_ms = 1, to_ms = 9 } }"), ("direction", "to")],
                "links is slowed by 1 to 9 ms for requests only",
            ),
            ("errors", "links", &[], "links is failing all calls to it as `unavailable`"),
            (
                "errors",
                "links",
                &[("share", "0.3"), ("reply", "internal")],
                "links is failing 30 % of calls to it as `internal`",
            ),
            ("flap", "redis", &[("up_ms", "900")], "redis is flapping with 500 ms down and 900 ms up"),
        ] {
            assert_eq!(by_hand(what, target, with).as_deref(), Ok(told));
        }
    }

    #[test]
    fn what_cannot_be_is_told_without_a_place_in_a_file() {
        for (what, target, with, words) in [
            ("kil", "links", &[][..], "did you mean `kill`"),
            ("kill", "lings", &[], "did you mean `links`"),
            ("slow", "links", &[("latency", "20")], "write `latency_ms=20`"),
            ("slow", "gateway -> kafak", &[], "did you mean `kafka`"),
            ("kill", "sqlite", &[], "no process of its own"),
            ("kill", "gateway -> links", &[], "cannot be done to the link"),
            ("slow", "links", &[("latency_sm", "5")], "did you mean `latency_ms`"),
            ("slow", "links", &[("latency_ms", "5"), ("latency_ms", "6")], "given twice"),
        ] {
            let told = by_hand(what, target, with).unwrap_err();
            assert!(told.contains(words) && told.contains("hint:") && !told.contains("by hand:"), "{told}");
        }
    }
}
