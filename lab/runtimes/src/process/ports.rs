//! Ports for a run's processes.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::Result;
use scenario::diagnostic::Diagnostic;

/// Below the range of ephemeral ports on Linux (32768 upwards), so that no connection of the load takes the
/// port before its process does.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_767;

/// The next port to try, so that a lab never returns a port twice in a row.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A free port on loopback.
///
/// Another program may still take it before its process does; then that process fails with "address in use",
/// and the arm is started again with other ports.
pub(crate) fn free() -> Result<SocketAddr> {
    // Labs that start together begin at different ports.
    let start = u32::from(NEXT.fetch_add(1, Ordering::Relaxed)) + std::process::id().wrapping_mul(97);
    for step in 0..u32::from(COUNT) {
        let offset = u16::try_from(start.wrapping_add(step) % u32::from(COUNT)).unwrap_or(0);
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, FIRST + offset));
        if TcpListener::bind(address).is_ok() {
            NEXT.fetch_add(u16::try_from(step % u32::from(COUNT)).unwrap_or(0), Ordering::Relaxed);
            return Ok(address);
        }
    }
    let last = FIRST + COUNT - 1;
    Err(Diagnostic::new(format!("no port between {FIRST} and {last} is free"))
        .hint("`ss -ltn` shows what listens")
        .into())
}

/// The port of the `nth` process with a public API, from 0, where their ports begin at a requested one, if it is free.
pub(crate) fn of_public(first: u16, nth: usize) -> Result<SocketAddr> {
    match u16::try_from(usize::from(first) + nth) {
        Ok(port) => wanted(port),
        Err(_) => Err(Diagnostic::new(format!(
            "there is no port {}: the highest is 65535",
            usize::from(first) + nth
        ))
        .hint("choose a lower `--port`, or leave it out to have free ones chosen")
        .into()),
    }
}

/// A requested port, if it is free.
pub(crate) fn wanted(port: u16) -> Result<SocketAddr> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(address) {
        Ok(_) => Ok(address),
        Err(error) => Err(Diagnostic::new(format!("cannot listen on `{address}`: {error}"))
            .hint("leave `--port` out to have a free one chosen; `ss -ltnp` shows what listens")
            .into()),
    }
}

/// Whether a process failed because its port was taken, from its last log lines.
pub(super) fn was_taken(last_words: &str) -> bool {
    let words = last_words.to_lowercase();
    words.contains("address already in use") || words.contains("address in use")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_port_is_free_and_given_once() {
        let first = free().unwrap();
        let second = free().unwrap();
        assert_ne!(first, second);
        assert!(TcpListener::bind(first).is_ok());
    }
}
