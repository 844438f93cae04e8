//! Our layers and a real Envoy before the same callee, while it fails for a stated time: both stop calling it, both come
//! back, and neither multiplies its load.
//!
//! Without `envoy` a message says so, and the test fails if `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use design::Wiring;
use prometheus_client::registry::Registry;
use remote::{Balancing, Client, Contract as _, RpcMetrics, Transport};
use resilience::{Preset, settings::ATTEMPT};
use scenario::plan::ArmPlan;
use serde_json::{Value, json};
use shortener::{Code, LinkError};
use shortener_app::remotes::links;
use system_tests::{
    envoy::{Envoy, can_be_had, cluster, listener},
    wire::Wire,
    wirings::Wirings,
};

/// The pace of calls: a hundred a second.
const EVERY: Duration = Duration::from_millis(10);
/// How long the callee is well before it fails.
const WELL: Duration = Duration::from_secs(1);
/// How long it fails.
const FAULT: Duration = Duration::from_secs(3);
/// The time limit for calls to be answered again after the fault.
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// So many answers in a row are no chance.
const STEADY: usize = 20;
/// The most that reaches the callee for each call.
const AMPLIFICATION: f64 = 1.25;

/// A way to call a method of `links`; whether it was answered.
type Calls<'a> = &'a dyn Fn() -> bool;

/// The component as it was started, by its internal server.
#[derive(Clone, Copy)]
struct Links(SocketAddr);

impl Links {
    fn reply(self, request: &str) -> (u16, String) {
        let mut wire = Wire::connect(self.0);
        wire.say(request);
        let reply = wire.reply();
        (reply.status, String::from_utf8(reply.body.to_vec()).unwrap())
    }

    /// The calls that reached it, failed ones included.
    fn arrivals(self) -> usize {
        let (_, text) = self.reply("GET /metrics HTTP/1.1\r\nhost: here\r\n\r\n");
        let of_calls = text.lines().filter(|line| {
            line.starts_with("http_server_request_duration_seconds_count{") && line.contains("/links/resolve")
        });
        of_calls.map(|line| line.rsplit(' ').next().unwrap().parse::<usize>().unwrap()).sum()
    }

    /// From now on it fails every call, until its lease ends.
    fn fails(self) {
        let fault = json!({ "share": 1, "for_ms": FAULT.as_millis() as u64 }).to_string();
        let (status, reply) = self.reply(&format!(
            "PUT /admin/faults/errors HTTP/1.1\r\nhost: here\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{fault}",
            fault.len(),
        ));
        assert_eq!((status, reply.as_str()), (204, ""));
    }
}

/// Calls at the pace until a time, or until so many in a row were answered; how many there were.
fn paced(calls: Calls<'_>, until: Instant, enough: usize) -> usize {
    let (mut asked, mut in_a_row) = (0, 0);
    let mut due = Instant::now();
    while Instant::now() < until && in_a_row < enough {
        in_a_row = if calls() { in_a_row + 1 } else { 0 };
        asked += 1;
        due += EVERY;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    asked
}

/// The timeline, the same for each who calls.
fn lives_through_a_fault(who: &str, links: Links, calls: Calls<'_>) {
    let before = links.arrivals();
    let mut asked = paced(calls, Instant::now() + WELL, usize::MAX);
    assert!(links.arrivals() - before >= asked, "{who}: every call reaches a callee that is well");
    links.fails();
    let half = Instant::now() + FAULT / 2;
    let over = half + FAULT / 2;
    asked += paced(calls, half, usize::MAX);
    let (at_half, asked_late) = (links.arrivals(), paced(calls, over, usize::MAX));
    let reached_late = links.arrivals() - at_half;
    assert!(
        reached_late * 5 <= asked_late,
        "{who}: of {asked_late} calls {reached_late} reach it late in the fault"
    );
    asked += asked_late + paced(calls, over + BACK_WITHIN, STEADY);
    let back = over.elapsed();
    assert!(back < BACK_WITHIN, "{who}: not back {back:?} after the fault");
    let amplification = (links.arrivals() - before) as f64 / asked as f64;
    assert!(amplification <= AMPLIFICATION, "{who}: {amplification} attempts a call");
    println!(
        "{who}: {reached_late} of {asked_late} late in the fault, back after {back:?}, {amplification:.2} a call"
    );
}

/// Envoy's circuit breaking of one server: its outlier detection may eject the only one, and its retries have a budget.
/// The figures are ours where Envoy has the same.
fn configuration(port: u16, links: SocketAddr) -> Value {
    let mut server = cluster("server", links);
    server["outlier_detection"] = json!({
        "consecutive_5xx": resilience::settings::EJECT_AFTER,
        "interval": "0.1s",
        "base_ejection_time": "1s",
        "max_ejection_percent": 100,
    });
    // By the first it calls no ejected server although there is no other. By the second an ejection that soon follows
    // another's end is in force at once, and not a second later.
    server["common_lb_config"] =
        json!({ "healthy_panic_threshold": { "value": 0.0 }, "update_merge_window": "0s" });
    let budget = json!({ "budget_percent": { "value": 20.0 }, "min_retry_concurrency": 3 });
    server["circuit_breakers"] = json!({ "thresholds": [{ "retry_budget": budget }] });
    let route = json!({ "timeout": "2s", "retry_policy": { "retry_on": "5xx", "num_retries": 2 } });
    json!({ "static_resources": { "listeners": [listener(port, &[], route)], "clusters": [server] } })
}

/// Calls through Envoy.
fn by_envoy(envoy: &Envoy) -> bool {
    let body = "\"nothing\"";
    let request = format!(
        "POST /links/resolve HTTP/1.1\r\nhost: any\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len(),
    );
    Wire::saying(envoy.address(), request).reply().status == 404
}

#[test]
fn ours_and_envoys_protection_spare_a_failing_callee_and_come_back() {
    if !can_be_had() {
        return;
    }
    let shortener = Wirings::of("shortener", env!("CARGO_BIN_EXE_hosted"));
    let apart = Wiring::with(shortener.system, [("placement", "microservices")]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    shortener.with_each(&[ArmPlan::new("apart".to_owned(), apart)], |launch| {
        let processes = &launch.arms[0].processes;
        let links = Links(processes.iter().find(|process| process.name == "links").unwrap().internal);
        for preset in [Preset::Breaker, Preset::Full] {
            let client = {
                let _within = runtime.enter();
                let metrics = RpcMetrics::register(&mut Registry::default()).peer("links");
                let at = [links.0.to_string()];
                let client =
                    Client::new(Transport::Http, &at, Balancing::RoundRobin, preset, ATTEMPT, metrics);
                links::ThisContract::client(Transport::Http, client.unwrap())
            };
            lives_through_a_fault(preset.name(), links, &|| {
                let code = Code::parse("nothing".to_owned()).unwrap();
                let reply = runtime.block_on(client.resolve(code));
                matches!(reply, Err(LinkError::NotFound { .. }))
            });
        }
        let envoy = Envoy::start(|port| configuration(port, links.0));
        lives_through_a_fault("Envoy", links, &|| by_envoy(&envoy));
    });
}
