//! How the shortener's components are reached from other processes.
//!
//! A table for each contract, and in `proto` a protobuf message for each of its types.

/// The component `clicks`.
pub mod clicks {
    use shortener::{ClickCount, ClickError, Clicks, LinkId, Recorded, Tallies};

    use super::proto;

    remote::remote! {
        Clicks at "clicks", messages in proto, failing with ClickError {
            #[repeatable] record(Tallies) -> Recorded;
            #[repeatable] count(LinkId) -> ClickCount;
        }
    }
}

/// The component `links`.
pub mod links {
    use shortener::{Code, Link, LinkError, Links, Removed, Shorten};

    use super::proto;

    remote::remote! {
        Links at "links", messages in proto, failing with LinkError {
            #[repeatable] shorten(Shorten) -> Link;
            #[repeatable] resolve(Code) -> Link;
            #[repeatable] remove(Code) -> Removed;
        }
    }
}

pub mod proto;
