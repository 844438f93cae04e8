//! Ports for a run's processes.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::atomic::{AtomicU16, Ordering},
};

use anyhow::Result;
use scenario::complaint::Complaint;

/// Below the range from which Linux takes ports for outgoing connections (32768 upwards), so that no connection of the
/// load takes one between the look and the use.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_767;

/// The next port to look at, so that one lab never gives a port out twice in a row.
static NEXT: AtomicU16 = AtomicU16::new(0);

/// A free port on loopback.
///
/// It was free when looked at; should another program take it before its process does, that process dies with
/// "address in use" and the arm is started again with other ports.
pub(crate) fn free() -> Result<SocketAddr> {
    // Labs that start together begin at different places.
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
    Err(Complaint::new(format!("no port between {FIRST} and {last} is free"))
        .hint("`ss -ltn` shows what listens")
        .into())
}

/// A port that the person asked for, if it is free.
pub(crate) fn wanted(port: u16) -> Result<SocketAddr> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match TcpListener::bind(address) {
        Ok(_) => Ok(address),
        Err(error) => Err(Complaint::new(format!("cannot listen on `{address}`: {error}"))
            .hint("leave `--port` out to have a free one chosen; `ss -ltnp` shows what listens")
            .into()),
    }
}

/// Whether a process died because its port was taken, from its last words.
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
