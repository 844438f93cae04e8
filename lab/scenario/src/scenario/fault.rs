//! Saying where a scenario file is wrong: file, line, column, what was expected, and the nearest name.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use crate::complaint::did_you_mean;

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioFault {
    /// A place in the file is wrong.
    #[error("{}:{line}:{column}: {what}{}", path.display(), hint_line(hint.as_deref()))]
    At {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong and what was expected.
        what: String,
        /// What to do next.
        hint: Option<String>,
    },
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}\nhint: `lab list` shows every scenario; is the path right?", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// More than one place in the file is wrong; in their order.
    #[error("{}", one_after_another(.0))]
    Many(Vec<Self>),
    /// There is no scenario of that name.
    #[error("{what}\nhint: {hint}")]
    Unknown {
        /// What was asked for, and why it is none.
        what: String,
        /// What may have been meant, and where to see all.
        hint: String,
    },
    /// There is no folder of scenarios.
    #[error("there is no folder `scenarios` in `{}` or above it\nhint: go to the project's folder, or say `--scenarios DIR`", from.display())]
    NoLibrary {
        /// Where the search began.
        from: PathBuf,
    },
}

/// Each as a person reads it; whoever shows the first says `error: ` before it.
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

/// What is wrong so far, so that a reader sees all mistakes of a file at once.
#[derive(Default)]
pub(super) struct Found(Vec<ScenarioFault>);

impl Found {
    /// What is sound; what is not is kept for the end.
    pub(super) fn sound<T>(&mut self, checked: Result<T, ScenarioFault>) -> Option<T> {
        checked.map_err(|fault| self.add(fault)).ok()
    }

    /// The sound ones of several.
    pub(super) fn each<T>(&mut self, checked: impl IntoIterator<Item = Result<T, ScenarioFault>>) -> Vec<T> {
        checked.into_iter().filter_map(|one| self.sound(one)).collect()
    }

    /// One more.
    pub(super) fn add(&mut self, fault: ScenarioFault) {
        match fault {
            ScenarioFault::Many(faults) => self.0.extend(faults),
            one => self.0.push(one),
        }
    }

    /// Fails with all that was found.
    pub(super) fn none(self) -> Result<(), ScenarioFault> {
        if self.0.is_empty() { Ok(()) } else { Err(self.all()) }
    }

    /// All that was found, in the order of their places. There has to be something.
    pub(super) fn all(mut self) -> ScenarioFault {
        self.0.sort_by_key(ScenarioFault::place);
        if self.0.len() == 1 { self.0.remove(0) } else { ScenarioFault::Many(self.0) }
    }
}

fn hint_line(hint: Option<&str>) -> String {
    hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default()
}

/// A scenario file's text and name, to point into.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    /// The name of the folder that it is in.
    pub(super) folder: String,
    pub(super) text: &'a str,
}

impl Source<'_> {
    /// A fault at a place.
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

    /// A word that is not known, in the words of a TOML reader, with the nearest that is.
    pub(super) fn unknown(&self, span: &Range<usize>, message: &str) -> ScenarioFault {
        self.at(span, message, unknown_word(message).or_else(|| new_name(message)))
    }

    /// A fault that the TOML reader found, with the nearest name when a key or a word is not known.
    pub(super) fn toml(&self, error: &toml::de::Error) -> ScenarioFault {
        let message = error.message().trim().replace('\n', ", ");
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

/// The key that was meant by one that serde does not know, if one is near.
pub(super) fn meant(message: &str) -> Option<&str> {
    // Of an unknown variant it is the value that is misspelt, and not the key.
    let (word, known) = message.starts_with("unknown field ").then(|| unknown(message))??;
    runtime::nearest(word, known)
}

/// The word and the known ones of serde's "unknown field `rat`, expected one of `rate`, ...": what stands in backticks
/// is the unknown word first.
fn unknown(message: &str) -> Option<(&str, Vec<&str>)> {
    let mut quoted = message.strip_prefix("unknown ")?.split('`').skip(1).step_by(2);
    Some((quoted.next()?, quoted.collect()))
}

/// serde's `invalid type: string "300", expected f64` in the words of somebody who writes TOML.
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

/// The hint for serde's `invalid type: string "300", expected f64`: a number does not stand in quotes.
fn quoted_number(message: &str) -> Option<String> {
    let (found, expected) = message.strip_prefix("invalid type: string ")?.rsplit_once(", expected ")?;
    let is_number = matches!(expected, "f64" | "u64" | "u32" | "usize");
    let number = found.trim_matches('"');
    (is_number && number.parse::<f64>().is_ok())
        .then(|| format!("a number stands without quotes: `{number}`"))
}
