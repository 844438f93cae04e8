//! The stand-in for a payment provider of an arm: what the runtimes have in common of it.

use std::{fmt::Display, net::SocketAddr, path::PathBuf};

use design::Wiring;
use payment_provider::{Config, Script};

/// Where it listens, in a container.
pub(crate) const PORT: u16 = 7070;

/// What a provider is started with.
///
/// # Panics
///
/// If the script that the system declares for this wiring is invalid.
pub(crate) fn config(wiring: &Wiring, listen: SocketAddr, books: PathBuf) -> Config {
    let text = wiring.system().rules.provider_script(wiring);
    let script =
        Script::parse(text).unwrap_or_else(|error| panic!("`provider_script` says `{text}`: {error}"));
    Config { script, ..Config::new(listen, books) }
}

/// The base URL of a provider that listens at `HOST:PORT`.
pub(crate) fn address(server: &impl Display) -> String {
    format!("http://{server}/")
}

/// That URL with the arm's public API as its fragment: where the provider sends its webhooks.
pub(crate) fn with_edge(address: &str, edge: &impl Display) -> String {
    format!("{address}#http://{edge}")
}
