//! Reset and refuse.

use std::io;

use proxy::{Directions, FaultKind};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
};

use crate::support::{
    LINK, LONG, both_ends, clear, connected, echo, in_time, is_reset, listening, ping, proxied, set, state,
};

#[tokio::test]
async fn a_reset_ends_existing_and_new_connections_on_both_sides() {
    let (listener, address) = listening().await;
    let proxy = proxied(address).await;
    let (mut client, mut upstream) = both_ends(&proxy, &listener).await;
    set(&proxy, FaultKind::Reset, Directions::Both, LONG);
    is_reset(&mut client).await;
    is_reset(&mut upstream).await;
    // A new one is accepted by the kernel, and reset before or after the client knows it.
    let new = in_time(async { TcpStream::connect(proxy.address(LINK).unwrap()).await?.read(&mut [0]).await });
    assert_eq!(new.await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert!(state(&proxy).counts.resets >= 2);
    clear(&proxy);
    both_ends(&proxy, &listener).await;
}

#[tokio::test]
async fn a_reset_ends_a_connection_that_latency_still_delays() {
    let proxy = proxied(echo().await).await;
    set(&proxy, FaultKind::Partition, Directions::Both, LONG);
    let mut client = connected(&proxy).await;
    set(&proxy, FaultKind::Reset, Directions::Both, LONG);
    is_reset(&mut client).await;
}

#[tokio::test]
async fn a_refusal_is_of_new_connections_and_ends_with_its_lease() {
    let proxy = proxied(echo().await).await;
    let link = proxy.address(LINK).unwrap();
    let mut existing = connected(&proxy).await;
    ping(&mut existing).await;
    set(&proxy, FaultKind::Refuse, Directions::Both, LONG);
    let refused = || async {
        match TcpStream::connect(link).await {
            Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
            Ok(_) => false,
        }
    };
    in_time(async {
        while !refused().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(refused().await, "it stays so");
    let taken = TcpListener::bind(link).await.unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse, "the port is still the proxy's");
    ping(&mut existing).await;
    set(&proxy, FaultKind::Refuse, Directions::Both, 300);
    assert!(refused().await);
    in_time(async {
        while refused().await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    ping(&mut connected(&proxy).await).await;
}
