//! The mapping between protobuf messages and the contracts' types.

use chain::{PageKey, Part, PartKey, Review};
use remote::Required;

use super::{back_proto, front_proto, middle_proto, reviews_proto};

/// The messages of one component that gives parts.
macro_rules! parts {
    ($proto:ident) => {
        remote::messages! { $proto:
            PartKey as ReadRequest.key by Required;
            PartKey as PreviewRequest.key by Required;
            Part as ReadResponse { key by Required, text }
            Part as PreviewResponse { key by Required, text }
            PartKey as PartKey { page, number }
        }
    };
}

parts!(front_proto);
parts!(middle_proto);
parts!(back_proto);

remote::messages! { reviews_proto:
    PageKey as OfRequest { page }
    Review as OfResponse { page, stars }
}
