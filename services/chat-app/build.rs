//! Compiles the contracts in `proto/` with protox, a protobuf compiler in Rust, so that no `protoc` is
//! needed.

use std::{error::Error, path::Path};

const CONTRACTS: [&str; 5] = [
    "lab/chat/v1/messages.proto",
    "lab/chat/rooms/v1/rooms.proto",
    "lab/chat/messages/v1/messages.proto",
    "lab/chat/presence/v1/presence.proto",
    "lab/chat/delivery/v1/delivery.proto",
];

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script by the environment where to write")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(CONTRACTS, ["proto"])?;
    // Server reflection serves this descriptor set.
    let out = std::env::var("OUT_DIR")?;
    std::fs::write(Path::new(&out).join("descriptors.bin"), prost::Message::encode_to_vec(&descriptors))?;
    // Events name their payload's type by its message.
    let mut names = tonic_prost_build::Config::new();
    names.enable_type_names();
    tonic_prost_build::configure().build_transport(false).compile_fds_with_config(descriptors, names)?;
    Ok(())
}
