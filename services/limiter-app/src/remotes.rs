//! The remote forms of the limiter's components.
//!
//! One table for each contract. gRPC messages are those of `proto/lab/limiter/v1`; HTTP messages are the
//! contract's types in their serde form.

/// The component `policies`.
pub mod policies {
    use limiter::{Known, Policies, PolicyError, PolicySet, Replacement};

    use super::proto;

    /// The current policies, or `None` if the caller has them.
    type Update = Option<PolicySet>;

    remote::remote! {
        Policies at "policies", by gRPC "lab.limiter.v1.PoliciesService" of proto, failing with PolicyError {
            #[idempotent] current(Known) -> Update;
            #[idempotent] replace(Replacement) -> PolicySet;
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
        Decisions at "decisions", by gRPC "lab.limiter.v1.DecisionsService" of proto, failing with DecisionError {
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
        Counts at "counts", by gRPC "lab.limiter.v1.CountsService" of proto, failing with CountError {
            take(Take) -> Taken;
        }
    }
}

/// The code that tonic generates from `proto/lab/limiter/v1`.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod proto {
    tonic::include_proto!("lab.limiter.v1");
}

mod messages;
