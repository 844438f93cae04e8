//! Compiles the contracts in `proto/` with protox, a protobuf compiler in Rust, so that no `protoc` is
//! needed.

use std::{error::Error, path::Path};

const CONTRACTS: [&str; 9] = [
    "lab/cart/v1/messages.proto",
    "lab/cart/catalog/v1/catalog.proto",
    "lab/cart/carts/v1/carts.proto",
    "lab/cart/stock/v1/stock.proto",
    "lab/cart/vouchers/v1/vouchers.proto",
    "lab/cart/payments/v1/payments.proto",
    "lab/cart/orders/v1/orders.proto",
    "lab/cart/notices/v1/notices.proto",
    "lab/cart/shop/v1/shop.proto",
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
