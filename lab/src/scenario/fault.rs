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
    /// There is no scenario of that name.
    #[error("there is no scenario `{name}`\nhint: {hint}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The nearest name and where to see all.
        hint: String,
    },
    /// There is no folder of scenarios.
    #[error("there is no folder `scenarios` in `{}` or above it\nhint: go to the project's folder, or say `--scenarios DIR`", from.display())]
    NoLibrary {
        /// Where the search began.
        from: PathBuf,
    },
}

fn hint_line(hint: Option<&str>) -> String {
    hint.map(|hint| format!("\nhint: {hint}")).unwrap_or_default()
}

/// A scenario file's text and name, to point into.
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
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
        self.at(span, message, unknown_word(message))
    }

    /// A fault that the TOML reader found, with the nearest name when a key or a word is not known.
    pub(super) fn toml(&self, error: &toml::de::Error) -> ScenarioFault {
        let message = error.message().trim().replace('\n', ", ");
        let hint = unknown_word(&message);
        let span = error.span().unwrap_or(0..0);
        self.at(&span, message, hint)
    }
}

/// The hint for serde's "unknown field `rat`, expected one of `rate`, ...": what stands in backticks is the
/// unknown word first, then the known ones.
fn unknown_word(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let word = quoted.next()?;
    Some(did_you_mean(word, quoted.collect::<Vec<_>>()))
}
