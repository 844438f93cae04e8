//! The remote forms of the shortener's components.
//!
//! One table for each contract. gRPC messages are those of `proto/lab/shortener/v1`; HTTP messages are the
//! contract's types in their serde form.

/// The component `clicks`.
pub mod clicks {
    use shortener::{ClickCount, ClickError, Clicks, LinkId, Recorded, Tallies};

    use super::proto;

    remote::remote! {
        Clicks at "clicks", by gRPC "lab.shortener.v1.ClicksService" of proto, failing with ClickError {
            #[idempotent] record(Tallies) -> Recorded;
            #[idempotent] #[background] count(LinkId) -> ClickCount;
        }
    }
}

/// The component `links`.
pub mod links {
    use shortener::{Code, Link, LinkError, Links, Removed, Shorten};

    use super::proto;

    remote::remote! {
        Links at "links", by gRPC "lab.shortener.v1.LinksService" of proto, failing with LinkError {
            #[idempotent] shorten(Shorten) -> Link;
            #[idempotent] resolve(Code) -> Link;
            #[idempotent] remove(Code) -> Removed;
        }
    }
}

/// The code that tonic generates from `proto/lab/shortener/v1`.
#[allow(missing_docs, clippy::pedantic, reason = "generated; the `.proto` files say what each is")]
pub mod proto {
    tonic::include_proto!("lab.shortener.v1");
}

mod messages;
