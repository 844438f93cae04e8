//! Errors in a scenario file: file, line, column, what was expected, and the nearest name.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use crate::diagnostic::did_you_mean;

/// The reasons why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioFault {
    /// An error at a location in the file.
    #[error("{}:{line}:{column}: {what}{}", path.display(), hint_line(hint.as_deref()))]
    At {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// The error, and what was expected.
        what: String,
        /// The hint.
        hint: Option<String>,
    },
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}\nhint: `lab list` shows every scenario; is the path right?", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error.
        source: std::io::Error,
    },
    /// Several errors in the file, in order.
    #[error("{}", one_after_another(.0))]
    Many(Vec<Self>),
    /// There is no scenario with this name.
    #[error("{what}\nhint: {hint}")]
    Unknown {
        /// The given name, and why it does not exist.
        what: String,
        /// A similar name, and how to list all.
        hint: String,
    },
    /// There is no folder of scenarios.
    #[error("there is no folder `scenarios` in `{}` or above it\nhint: go to the project's folder, or say `--scenarios DIR`", from.display())]
    NoLibrary {
        /// The folder where the search began.
        from: PathBuf,
    },
}

/// The messages one after another; the caller prints `error: ` before the first.
fn one_after_another(faults: &[ScenarioFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\nerror: ")
}

impl ScenarioFault {
    fn place(&self) -> (usize, usize) {
        match self {
            Self::At { line, column, .. } => (*line, *column),
            _ => (0, 0),
        }
    }
}

/// The errors found so far, so that all errors of a file are reported together.
#[derive(Default)]
pub(super) struct Found(Vec<ScenarioFault>);

impl Found {
    /// Returns a valid value; records an error.
    pub(super) fn sound<T>(&mut self, checked: Result<T, ScenarioFault>) -> Option<T> {
        checked.map_err(|fault| self.add(fault)).ok()
    }

    /// Returns the valid ones of several; records the errors.
    pub(super) fn each<T>(&mut self, checked: impl IntoIterator<Item = Result<T, ScenarioFault>>) -> Vec<T> {
        checked.into_iter().filter_map(|one| self.sound(one)).collect()
    }

    /// Records an error.
    pub(super) fn add(&mut self, fault: ScenarioFault) {
        match fault {
            ScenarioFault::Many(faults) => self.0.extend(faults),
            one => self.0.push(one),
        }
    }

    /// Fails with all recorded errors, if there are any.
    pub(super) fn none(self) -> Result<(), ScenarioFault> {
        if self.0.is_empty() { Ok(()) } else { Err(self.all()) }
    }

    /// All recorded errors, by location. There must be at least one.
    pub(super) fn all(mut self) -> ScenarioFault {
        self.0.sort_by_key(ScenarioFault::place);
        if self.0.len() == 1 { self.0.remove(0) } else { ScenarioFault::Many(self.0) }
    }
}

fn hint_line(hint: Option<&str>) -> String {
    hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default()
}

/// A scenario file's text and name, for locations.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    /// The name of its folder.
    pub(super) folder: String,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// An error at a location.
    pub(super) fn at(
        &self,
        span: &Range<usize>,
        what: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) -> ScenarioFault {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        ScenarioFault::At {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// An unknown word, in the format of a TOML parser's error, with the nearest known one.
    pub(super) fn unknown(&self, span: &Range<usize>, message: &str) -> ScenarioFault {
        self.at(span, message, unknown_word(message).or_else(|| new_name(message)))
    }

    /// An error of the TOML parser, with the nearest name for an unknown key or word.
    pub(super) fn toml(&self, error: &toml::de::Error) -> ScenarioFault {
        let message = error.message().trim().replace('\n', ", ").replace("unknown variant", "unknown value");
        let hint = unknown_word(&message).or_else(|| quoted_number(&message)).or_else(|| new_name(&message));
        let span = error.span().unwrap_or(0..0);
        self.at(&span, of_another_type(&message).unwrap_or(message), hint)
    }
}

/// The hint for a word that serde does not know.
fn unknown_word(message: &str) -> Option<String> {
    let (word, known) = unknown(message)?;
    Some(did_you_mean(word, known))
}

/// The known key nearest to one that serde does not know.
pub(super) fn meant(message: &str) -> Option<&str> {
    // In an unknown value the value is misspelt, not the key.
    let (word, known) = message.starts_with("unknown field ").then(|| unknown(message))??;
    design::nearest(word, known)
}

/// The unknown word and the known ones in serde's "unknown field `rat`, expected one of `rate`, ...": the
/// first word in backticks is the unknown one.
fn unknown(message: &str) -> Option<(&str, Vec<&str>)> {
    let mut quoted = message.strip_prefix("unknown ")?.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

/// serde's `invalid type: string "300", expected f64` in terms of TOML.
fn of_another_type(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid type: ")?.rsplit_once(", expected ")?;
    let expected = match expected {
        "f64" => "a number",
        "u64" | "u32" | "usize" => "a whole number",
        "a string" => "text in quotes",
        "a sequence" => "a list in brackets",
        "a boolean" => "`true` or `false`",
        _ if expected.starts_with("struct ") || expected == "a map" => "a table",
        other => other,
    };
    let found = match found.split_once(' ') {
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer" | "boolean", value)) => value.to_owned(),
        Some(("floating", value)) => value.trim_start_matches("point ").to_owned(),
        _ => match found {
            "sequence" => "a list".to_owned(),
            "map" => "a table".to_owned(),
            other => other.to_owned(),
        },
    };
    Some(format!("expected {expected}, found {found}"))
}

/// The hint for "`throughput` is called `capacity`".
fn new_name(message: &str) -> Option<String> {
    let (former, name) = message.split_once(" is called ")?;
    Some(format!("write {name} in place of {former}"))
}

/// The hint for serde's `invalid type: string "300", expected f64`: a number needs no quotes.
fn quoted_number(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid type: string ")?.rsplit_once(", expected ")?;
    let is_number = matches!(expected, "f64" | "u64" | "u32" | "usize");
    let number = found.trim_matches('"');
    (is_number && number.parse::<f64>().is_ok())
        .then(|| format!("a number stands without quotes: `{number}`"))
}
