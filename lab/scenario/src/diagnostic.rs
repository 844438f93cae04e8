//! The lab's error messages: what happened, to what, and what to do next.

use std::fmt;

/// A diagnostic: an error for the user, one sentence in lower case, with literals in backticks, and a hint if
/// there is one.
///
/// Displayed as `error: ...`, then `hint: ...` on a line of its own; the command ends with exit code 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    what: String,
    hint: Option<String>,
}

impl Diagnostic {
    /// Creates a diagnostic without a hint.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint, if there is one.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)?;
        match &self.hint {
            Some(hint) => write!(formatter, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Diagnostic {}

/// The hint when the disk is full.
const NO_ROOM: &str =
    "\nhint: make room, or choose other folders: `TMPDIR=DIR` for what is thrown away, `--out DIR` for runs";

/// Formats an error for the user: what happened and why, and then what to do next.
///
/// A hint may come from any error in the chain of causes; a cause that its consequence already mentions is
/// not repeated.
pub fn told(error: &anyhow::Error) -> String {
    let mut what = String::new();
    let mut hints = String::new();
    for cause in error.chain() {
        let text = cause.to_string();
        let (words, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        if what.is_empty() {
            words.clone_into(&mut what);
        } else if !what.contains(words) {
            what.extend([": ", words]);
        }
        if !hint.is_empty() {
            hints.extend(["\nhint: ", hint]);
        }
    }
    if hints.is_empty() && what.contains("No space left on device") {
        hints.push_str(NO_ROOM);
    }
    format!("error: {what}{hints}")
}

/// The hint after an unknown name: `did you mean X? there is A, B`.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    let all = known.clone().into_iter().collect::<Vec<_>>().join("`, `");
    design::nearest(word, known).map_or_else(
        || format!("there is `{all}`"),
        |near| format!("did you mean `{near}`? there is `{all}`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_comes_after_the_causes() {
        let refused = anyhow::anyhow!("connection refused");
        let error = refused.context(Diagnostic::new("nobody answers").hint("is it up?"));
        assert_eq!(told(&error), "error: nobody answers: connection refused\nhint: is it up?");
    }

    #[test]
    fn a_disk_that_fills_up_in_the_middle_has_a_hint() {
        let full = anyhow::Error::from(std::io::Error::from_raw_os_error(28)).context("cannot write `x`");
        let said = told(&full);
        assert!(said.starts_with("error: cannot write `x`: No space left on device"), "{said}");
        assert_eq!(said.matches("hint: make room").count(), 1, "{said}");
    }

    #[test]
    fn nothing_is_said_twice() {
        let error = anyhow::anyhow!("disk full").context("cannot write: disk full");
        assert_eq!(told(&error), "error: cannot write: disk full");
    }
}
