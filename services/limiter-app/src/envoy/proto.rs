//! Envoy's public messages, as prost makes them of `proto/envoy`: nested as their packages are, because they name each
//! other by these.

pub(super) use envoy::{
    config::core::v3::HeaderValue,
    extensions::common::ratelimit::v3::{RateLimitDescriptor, rate_limit_descriptor},
    service::ratelimit::v3::{RateLimitRequest, RateLimitResponse, rate_limit_response},
};

#[allow(
    missing_docs,
    unreachable_pub,
    clippy::pedantic,
    reason = "generated; the `.proto` files say what each is"
)]
mod envoy {
    pub mod config {
        pub mod core {
            pub mod v3 {
                tonic::include_proto!("envoy.config.core.v3");
            }
        }
    }

    pub mod extensions {
        pub mod common {
            pub mod ratelimit {
                pub mod v3 {
                    tonic::include_proto!("envoy.extensions.common.ratelimit.v3");
                }
            }
        }
    }

    pub mod service {
        pub mod ratelimit {
            pub mod v3 {
                tonic::include_proto!("envoy.service.ratelimit.v3");
            }
        }
    }
}
