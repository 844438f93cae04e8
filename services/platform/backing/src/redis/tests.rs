use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use resilience::{
    CalleeSnapshot, Callees, Preset, Settings,
    breaker::State,
    settings::{BreakerSettings, FAILURES_IN_A_ROW},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::*;

/// How long a command may take here.
const WITHIN: Duration = Duration::from_millis(50);

/// A server that accepts connections, and answers no command after a connection's first two.
#[derive(Default)]
struct Hanging {
    reads: AtomicUsize,
}

impl Hanging {
    async fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("redis://{}", listener.local_addr().unwrap());
        let server = Arc::new(Self::default());
        let serving = Arc::clone(&server);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&serving).serve(client));
            }
        });
        (server, address)
    }

    async fn serve(self: Arc<Self>, mut client: TcpStream) {
        let mut bytes = [0; 4_096];
        while let Ok(read @ 1..) = client.read(&mut bytes).await {
            let text = String::from_utf8_lossy(&bytes[..read]).to_uppercase();
            // The client introduces itself when it connects.
            let greetings = text.matches("\r\nSETINFO\r\n").count();
            let _ = client.write_all("+OK\r\n".repeat(greetings).as_bytes()).await;
            self.reads.fetch_add(text.matches("\r\nGET\r\n").count(), Ordering::Relaxed);
        }
    }

    /// Waits until so many reads have come.
    async fn comes_to(&self, reads: usize) {
        until(|| self.reads.load(Ordering::Relaxed) == reads).await;
    }
}

async fn until(holds: impl Fn() -> bool) {
    let looking = async {
        while !holds() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(30), looking).await.unwrap();
}

/// A client of a server that hangs, under a preset whose breaker stays open for the rest of the test.
async fn client(address: &str, preset: Preset) -> (Redis, Callees) {
    let minute = Duration::from_mins(1);
    let breaker = BreakerSettings { open_base: minute, open_cap: minute, ..BreakerSettings::default() };
    let (settings, callees) = (Settings { breaker, ..Settings::default() }, Callees::default());
    let (mut registry, background) = (Registry::default(), Background::default());
    let redis = Redis::open(address, "cache", WITHIN, &mut registry, &background).await.unwrap();
    let guarded = redis.guarded(|server| callees.store("redis", server, preset, &settings));
    (guarded, callees)
}

fn state(callees: &Callees) -> CalleeSnapshot {
    let [store] = callees.snapshot().try_into().unwrap();
    store
}

async fn read(redis: &Redis) -> Option<String> {
    redis.ask("links", redis::cmd("GET").arg("a")).await
}

#[tokio::test]
async fn a_server_that_hangs_is_left_alone_by_a_breaker_alone() {
    for (preset, is_spared) in [(Preset::Timeout, false), (Preset::Breaker, true), (Preset::Full, true)] {
        let (server, address) = Hanging::start().await;
        let (redis, callees) = client(&address, preset).await;
        let failures = FAILURES_IN_A_ROW as usize;
        assert_eq!(join_all((0..failures).map(|_| read(&redis))).await, vec![None; failures]);
        server.comes_to(failures).await;
        let state = state(&callees).breaker.map(|breaker| breaker.state);
        assert_eq!(state, is_spared.then_some(State::Open), "{preset:?}");

        // The client connects again after 250 ms.
        until(|| redis.link.connected().is_some()).await;
        assert_eq!(read(&redis).await, None);
        if is_spared {
            let rejected = redis.publish("any", b"").await.unwrap_err();
            assert_eq!(rejected.why, Why::Rejected, "{preset:?}");
        }
        server.comes_to(failures + usize::from(!is_spared)).await;
    }
}

#[test]
fn an_error_reply_is_an_answer_unless_the_server_cannot_serve() {
    let of_server = |kind| RedisError::from((ErrorKind::Server(kind), "it says so"));
    for kind in [ServerErrorKind::ResponseError, ServerErrorKind::NoScript, ServerErrorKind::ReadOnly] {
        assert!(!is_unhealthy(&of_server(kind)), "{kind:?}");
    }
    for kind in [ServerErrorKind::BusyLoading, ServerErrorKind::ClusterDown, ServerErrorKind::MasterDown] {
        assert!(is_unhealthy(&of_server(kind)), "{kind:?}");
    }
    assert!(is_unhealthy(&io::Error::from(io::ErrorKind::TimedOut).into()));
}
