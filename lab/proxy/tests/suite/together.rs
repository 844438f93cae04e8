//! Several faults on one link, and several links of one proxy.

use proxy::{
    Config, Directions, Distribution, Fault, FaultKind, InvalidFault, Latency, Limits, LinkConfig, Proxy,
    SetFaultsError,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{LINK, LONG, connected, echo, in_time, ping, proxied, random_bytes, stays_quiet};

fn fault(what: FaultKind) -> Fault {
    Fault { what, directions: Directions::Both, for_ms: LONG }
}

#[tokio::test]
async fn a_mebibyte_keeps_its_order_under_latency_throttle_and_flap() {
    let proxy = proxied(echo().await).await;
    let mut client = connected(&proxy).await;
    let distribution = Distribution::Uniform { from_ms: 0.0, to_ms: 8.0 };
    let faults = [
        fault(FaultKind::Latency(Latency { distribution, seed: 11 })),
        fault(FaultKind::Throttle { bytes_per_second: 2_000_000 }),
        fault(FaultKind::Flap { down_ms: 15, up_ms: 40 }),
    ];
    proxy.set_faults(LINK, &faults).unwrap();
    let sent = random_bytes(1 << 20, 11);
    let start = std::time::Instant::now();
    let (mut reads, mut writes) = client.split();
    let mut echoed = Vec::new();
    let (wrote, read) = in_time(async {
        tokio::join!(
            async {
                writes.write_all(&sent).await?;
                writes.shutdown().await
            },
            reads.read_to_end(&mut echoed)
        )
    })
    .await;
    wrote.unwrap();
    read.unwrap();
    assert!(echoed == sent, "{} of {} bytes, or others", echoed.len(), sent.len());
    assert!(start.elapsed().as_millis() >= 500, "the throttle was not in force: {:?}", start.elapsed());
}

#[tokio::test]
async fn a_fault_is_of_its_link_alone() {
    let upstream = echo().await;
    let listen = "127.0.0.1:0".parse().unwrap();
    let link = |name: &str| LinkConfig { name: name.to_owned(), listen, upstream };
    let config = Config { admin: None, limits: Limits::default(), links: vec![link("one"), link("other")] };
    let proxy = Proxy::start(config).await.unwrap();
    let open = async |name: &str| TcpStream::connect(proxy.address(name).unwrap()).await.unwrap();
    let (mut one, mut other) = (open("one").await, open("other").await);
    proxy.set_faults("one", &[fault(FaultKind::Partition)]).unwrap();
    one.write_all(b"?").await.unwrap();
    stays_quiet(&mut one).await;
    ping(&mut other).await;
}

#[tokio::test]
async fn faults_that_cannot_be_leave_those_in_force() {
    let proxy = proxied(echo().await).await;
    proxy.set_faults(LINK, &[fault(FaultKind::Partition)]).unwrap();
    let twice = [fault(FaultKind::Reset), fault(FaultKind::Reset)];
    let error = proxy.set_faults(LINK, &twice).unwrap_err();
    assert!(matches!(error, SetFaultsError::Invalid(InvalidFault::Twice("reset"))), "{error}");
    let error = proxy.set_faults("client -> ecco", &[]).unwrap_err().to_string();
    assert!(
        error.contains("`client -> ecco`") && error.contains("hint: there is `client -> echo`"),
        "{error}"
    );
    assert_eq!(proxy.links()[0].faults.len(), 1);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let first = proxied(echo().await).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    let link = LinkConfig { name: "a -> b".to_owned(), listen, upstream: first.address(LINK).unwrap() };
    let config = Config { admin: None, limits: Limits::default(), links: vec![link] };
    let error = Proxy::start(config).await.unwrap_err().to_string();
    assert!(error.contains("the link `a -> b`") && error.contains(&listen.to_string()), "{error}");
}
