//! Compiles the contracts in `proto/` with protox, a protobuf compiler in Rust, so that no `protoc` is
//! needed.

use std::{error::Error, path::Path};

const CONTRACTS: [&str; 4] = [
    "lab/chain/front/v1/front.proto",
    "lab/chain/middle/v1/middle.proto",
    "lab/chain/back/v1/back.proto",
    "lab/chain/reviews/v1/reviews.proto",
];

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by the environment where to write")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(CONTRACTS, ["proto"])?;
    // Server reflection serves this descriptor set.
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("descriptors.bin"), prost::Message::encode_to_vec(&descriptors))?;
    tonic_prost_build::configure().build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
