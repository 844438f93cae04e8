//! How a command ends.

/// The end of a command that could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, with every result as expected: exit code 0.
    Done,
    /// A claim differed from its expectation, a condition failed, a promise was broken, or a process ended:
    /// exit code 1.
    ExpectationFailed,
    /// A run without a verdict, because the machine was too busy: exit code 3.
    NoVerdict,
}
