//! The declaration of a fact: its name, its words, and the promise that it breaks.

/// A fact that a system's ledger can report.
///
/// A fact whose name ends with [`NOT_SETTLED`](super::facts::NOT_SETTLED) counts changes that may still take effect: while
/// it is above zero, the verdict is open and not broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactShape {
    /// The name in a verdict, in a report and in a scenario file: `over-admitted`.
    pub name: &'static str,
    /// The words after its count in a sentence: `let through beyond the limit`.
    pub words: &'static str,
    /// The kind of promise that a single one breaks, if it breaks one.
    pub breaks: Option<Breach>,
    /// Whether it is a metric of its own: a claim may name it without the prefix `ledger:`.
    pub is_metric: bool,
}

impl FactShape {
    /// A count without a promise.
    pub const fn new(name: &'static str, words: &'static str) -> Self {
        Self { name, words, breaks: None, is_metric: false }
    }

    /// A count that a promise requires to be zero.
    pub const fn breach(breaks: Breach, name: &'static str, words: &'static str) -> Self {
        Self { name, words, breaks: Some(breaks), is_metric: false }
    }

    /// The same, as a metric of its own.
    #[must_use]
    pub const fn metric(self) -> Self {
        Self { is_metric: true, ..self }
    }
}

/// The kinds of broken promises. Each breach is of exactly one kind, so the three cover every promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Breach {
    /// Something acknowledged is missing.
    Lost,
    /// Something took effect more than once, or without a request.
    Duplicated,
    /// Something differs from what was acknowledged or promised.
    Wrong,
}

impl Breach {
    /// All kinds, in the order of a report.
    pub const ALL: [Self; 3] = [Self::Lost, Self::Duplicated, Self::Wrong];

    /// The name in a scenario file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Wrong => "wrong",
        }
    }
}
