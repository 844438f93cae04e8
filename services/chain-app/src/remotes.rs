//! The remote forms of the chain's components.
//!
//! One table for each component. gRPC messages are those of `proto/lab/chain/COMPONENT/v1`; HTTP messages are the
//! contract's types in their serde form.
//!
//! `front`, `middle` and `back` have one contract and three services: each is called by its own name.

/// The component `front`.
pub mod front {
    use chain::{Part, PartError, PartKey, Parts as Front};

    use super::front_proto as proto;

    remote::remote! {
        Front at "front", by gRPC "lab.chain.front.v1.FrontService" of proto, failing with PartError {
            #[critical] #[idempotent] read(PartKey) -> Part;
            #[background] #[idempotent] preview(PartKey) -> Part;
        }
    }
}

/// The component `middle`.
pub mod middle {
    use chain::{Part, PartError, PartKey, Parts as Middle};

    use super::middle_proto as proto;

    remote::remote! {
        Middle at "middle", by gRPC "lab.chain.middle.v1.MiddleService" of proto, failing with PartError {
            #[critical] #[idempotent] read(PartKey) -> Part;
            #[background] #[idempotent] preview(PartKey) -> Part;
        }
    }
}

/// The component `back`.
pub mod back {
    use chain::{Part, PartError, PartKey, Parts as Back};

    use super::back_proto as proto;

    remote::remote! {
        Back at "back", by gRPC "lab.chain.back.v1.BackService" of proto, failing with PartError {
            #[critical] #[idempotent] read(PartKey) -> Part;
            #[background] #[idempotent] preview(PartKey) -> Part;
        }
    }
}

/// The component `reviews`.
pub mod reviews {
    use chain::{PageKey, Review, ReviewError, Reviews};

    use super::reviews_proto as proto;

    remote::remote! {
        Reviews at "reviews", by gRPC "lab.chain.reviews.v1.ReviewsService" of proto, failing with ReviewError {
            #[idempotent] of(PageKey) -> Review;
        }
    }
}

/// The code that tonic generates from `proto/lab/chain/front/v1`.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod front_proto {
    tonic::include_proto!("lab.chain.front.v1");
}

/// The code that tonic generates from `proto/lab/chain/middle/v1`.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod middle_proto {
    tonic::include_proto!("lab.chain.middle.v1");
}

/// The code that tonic generates from `proto/lab/chain/back/v1`.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod back_proto {
    tonic::include_proto!("lab.chain.back.v1");
}

/// The code that tonic generates from `proto/lab/chain/reviews/v1`.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod reviews_proto {
    tonic::include_proto!("lab.chain.reviews.v1");
}

mod messages;
