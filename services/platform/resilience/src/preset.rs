//! The presets, as the axis `resilience` names them.

use crate::retry::Rule;

/// A caller's protection against its callees. `docs/resilience.md` explains each on one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Only the request's own deadline limits a call. Like every preset it sends a call that nobody received again.
    None,
    /// Each attempt has a time limit of its own within the deadline. An attempt that times out is not retried.
    Timeout,
    /// A negative control: immediate retries without a budget.
    NaiveRetry,
    /// Retries with backoff, within a budget.
    BudgetedRetry,
    /// A circuit breaker.
    Breaker,
    /// Budgeted retries, hedged reads, a limit of calls in flight, a circuit breaker and the ejection of
    /// replicas.
    Full,
}

impl Preset {
    /// Its name, as the axis has it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Timeout => "timeout",
            Self::NaiveRetry => "naive-retry",
            Self::BudgetedRetry => "budgeted-retry",
            Self::Breaker => "breaker",
            Self::Full => "full",
        }
    }

    /// Which failures it retries.
    pub(crate) const fn rule(self) -> Rule {
        match self {
            Self::None | Self::Timeout | Self::Breaker => Rule::Unreachable,
            Self::NaiveRetry => Rule::Naive,
            Self::BudgetedRetry | Self::Full => Rule::Budgeted,
        }
    }

    /// Whether its retries, resends included, have a budget.
    pub(crate) const fn has_budget(self) -> bool {
        !matches!(self, Self::NaiveRetry)
    }

    pub(crate) const fn has_attempt_limit(self) -> bool {
        !matches!(self, Self::None)
    }

    pub(crate) const fn has_breaker(self) -> bool {
        matches!(self, Self::Breaker | Self::Full)
    }

    pub(crate) const fn has_limit(self) -> bool {
        matches!(self, Self::Full)
    }

    pub(crate) const fn has_hedges(self) -> bool {
        matches!(self, Self::Full)
    }

    /// Whether it ejects replicas that fail; the balancer does that.
    pub const fn has_ejection(self) -> bool {
        matches!(self, Self::Full)
    }
}
