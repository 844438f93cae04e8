//! What the public API is spoken to in: the option `edge` of the journeys, which an experiment takes from its arm's axis of
//! that name.

use std::str::FromStr;

use crate::journeys::OptionShape;

/// What buyers speak to the shop.
pub const EDGE: OptionShape = OptionShape {
    name: "edge",
    summary: "what buyers speak to the shop; GraphQL is for the mix `page` alone [default: the arm's axis `edge`, or rest]",
    values: "rest, graphql or grpc",
    accepts: |text| text.parse::<Edge>().is_ok(),
};

/// What the public API speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    /// Resources.
    Rest,
    /// GraphQL; whatever is no page goes by resources.
    Graphql,
    /// gRPC.
    Grpc,
}

impl FromStr for Edge {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "rest" => Ok(Self::Rest),
            "graphql" => Ok(Self::Graphql),
            "grpc" => Ok(Self::Grpc),
            _ => Err(()),
        }
    }
}
