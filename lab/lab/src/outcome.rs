//! How a command ends.

/// How a command ended, if it could run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, and nothing came out otherwise than expected: exit code 0.
    Done,
    /// A claim came out otherwise, a condition failed, a promise was broken, or a process died: exit code 1.
    ExpectationFailed,
    /// A run came to no verdict, for the machine was too busy: exit code 3.
    NoVerdict,
}
