//! How the limiter's components are reached from other processes.
//!
//! A table for each contract, and in `proto` a protobuf message for each of its types.

/// The component `policies`.
pub mod policies {
    use limiter::{Known, Policies, PolicyError, PolicySet, Replacement};

    use super::proto;

    /// Other policies than the caller knows, or none.
    type Update = Option<PolicySet>;

    remote::remote! {
        Policies at "policies", messages in proto, failing with PolicyError {
            #[repeatable] current(Known) -> Update;
            #[repeatable] replace(Replacement) -> PolicySet;
        }
    }
}

/// The component `decisions`.
pub mod decisions {
    use limiter::{Ask, Asks, Decision, DecisionError, Decisions};

    use super::proto;

    /// A decision for each question.
    type Decided = Vec<Decision>;

    remote::remote! {
        Decisions at "decisions", messages in proto, failing with DecisionError {
            decide(Ask) -> Decision;
            decide_all(Asks) -> Decided;
        }
    }
}

/// The component `counts`.
pub mod counts {
    use limiter::{CountError, Counts, Take, Taken};

    use super::proto;

    remote::remote! {
        Counts at "counts", messages in proto, failing with CountError {
            take(Take) -> Taken;
        }
    }
}

pub mod proto;
