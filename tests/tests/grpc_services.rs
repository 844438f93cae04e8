//! Components over gRPC with third-party tools: `buf` checks their `.proto` files, and `grpcurl` finds,
//! describes and calls them without these files.
//!
//! Without these tools a message says so, and the tests fail if `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    io::ErrorKind,
    net::SocketAddr,
    process::{Command, Output},
};

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use system_tests::{
    command::{Desk, Running},
    skip::skip,
    tree::root,
};

/// The output of a program in the project's folder; `None` if it is not installed.
fn run(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).current_dir(root()).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            skip(&format!("`{program}` on the PATH"), "`.ci/engine` says which version, and builds it");
            None
        }
        Err(error) => panic!("`{program}`: {error}"),
    }
}

#[track_caller]
fn text(output: &Output) -> String {
    let said = [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said));
    assert!(output.status.success(), "{}\n{}", said[0], said[1]);
    said[0].clone().into_owned()
}

#[test]
fn the_proto_files_keep_the_rules_of_buf() {
    let Some(output) = run("buf", &["lint"]) else { return };
    assert_eq!(text(&output), "");
}

/// `grpcurl` with one server; it knows only what server reflection returns.
struct Grpcurl(SocketAddr);

impl Grpcurl {
    fn run(&self, before: &[&str], words: &[&str]) -> Option<Output> {
        let address = self.0.to_string();
        run("grpcurl", &[&["-plaintext", "-max-time", "30"], before, &[address.as_str()], words].concat())
    }

    fn lists(&self) -> Option<Vec<String>> {
        Some(text(&self.run(&[], &["list"])?).lines().map(str::to_owned).collect())
    }

    /// The declaration of a service, a method or a message.
    fn describes(&self, name: &str) -> String {
        text(&self.run(&[], &["describe", name]).unwrap())
    }

    /// The reply of a method.
    #[track_caller]
    fn calls(&self, method: &str, request: &Value) -> Value {
        let output = self.run(&["-d", &request.to_string()], &[method]).unwrap();
        serde_json::from_str(&text(&output)).unwrap()
    }

    /// The status of a failing method, as `grpcurl` prints it.
    fn fails(&self, method: &str, request: &Value) -> String {
        let output = self.run(&["-d", &request.to_string()], &[method]).unwrap();
        assert!(!output.status.success(), "{method}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// Starts a system, calls `work` with its internal servers, and stops it.
fn with_up(arguments: &[&str], work: impl Fn(&dyn Fn(&str) -> SocketAddr)) {
    let desk = Desk::new(env!("CARGO_BIN_EXE_hosted"));
    let mut running: Running<'_> = desk.start(&[&["up"], arguments].concat());
    running.says("Ctrl-C stops it");
    let servers = running.internal_servers();
    work(&|process| servers.iter().find(|(name, _)| name == process).unwrap().1);
    running.signal(Signal::SIGINT);
    assert_eq!(running.end().code, Some(0), "it was not harmed");
}

const LINKS: &str = "lab.shortener.v1.LinksService";
const CLICKS: &str = "lab.shortener.v1.ClicksService";
const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";

#[test]
fn each_component_is_found_described_and_called_by_grpcurl() {
    let apart = ["shortener", "--set", "placement=microservices", "--set", "transport=grpc"];
    with_up(&apart, |server| {
        let (links, clicks, gateway) =
            (Grpcurl(server("links")), Grpcurl(server("clicks")), Grpcurl(server("gateway")));
        let Some(listed) = links.lists() else { return };
        assert_eq!(listed, [HEALTH, REFLECTION, LINKS]);
        assert_eq!(clicks.lists().unwrap(), [HEALTH, REFLECTION, CLICKS]);
        assert_eq!(gateway.lists().unwrap(), [HEALTH, REFLECTION], "it hosts no component");

        let described = links.describes(LINKS);
        assert!(described.contains("rpc Resolve ( .lab.shortener.v1.ResolveRequest )"), "{described}");
        let described = clicks.describes("lab.shortener.v1.Tally");
        assert!(described.contains("map<string, uint32> counts = 2;"), "{described}");

        links_are_called(&links);
        clicks_are_called(&clicks);
        for (of, service) in [(&links, LINKS), (&clicks, CLICKS), (&gateway, ""), (&links, "")] {
            let ready = of.calls(&format!("{HEALTH}/Check"), &json!({"service": service}));
            assert_eq!(ready, json!({"status": "SERVING"}), "`{service}`");
        }
        assert!(links.fails(&format!("{HEALTH}/Check"), &json!({"service": CLICKS})).contains("NotFound"));
    });
}

fn links_are_called(links: &Grpcurl) {
    let request = json!({"target": "https://example.com/", "alias": "by-grpcurl", "key": "k"});
    let made = links.calls(&format!("{LINKS}/Shorten"), &request);
    assert_eq!(made["link"]["target"], "https://example.com/");
    let code = json!({"code": "by-grpcurl"});
    assert_eq!(links.calls(&format!("{LINKS}/Resolve"), &code), made);
    assert_eq!(links.calls(&format!("{LINKS}/Remove"), &code), json!({}));
    let gone = links.fails(&format!("{LINKS}/Resolve"), &code);
    let own = [r#""reason": "NOT_FOUND""#, r#""code": "by-grpcurl""#];
    assert!(gone.contains("NotFound") && own.iter().all(|part| gone.contains(part)), "its own error: {gone}");
    let malformed = links.fails(&format!("{LINKS}/Resolve"), &json!({"code": "!"}));
    assert!(malformed.contains("InvalidArgument") && malformed.contains("`code`"), "{malformed}");
}

fn clicks_are_called(clicks: &Grpcurl) {
    // 16 zero bytes: base64 in protobuf's JSON, and 32 hexadecimal digits.
    let (id, digits) = ("A".repeat(21) + "A==", "0".repeat(32));
    let tally = json!({"id": id, "counts": {digits: 3}});
    assert_eq!(clicks.calls(&format!("{CLICKS}/Record"), &json!({"tallies": [tally, tally]})), json!({}));
    let count = clicks.calls(&format!("{CLICKS}/Count"), &json!({"link_id": id}));
    assert_eq!(count, json!({"clicks": "3"}), "each tally once");
}

#[test]
fn each_component_of_the_chain_is_found_and_ready() {
    let apart = ["placement=microservices", "depth=3", "transport=grpc"].map(|choice| ["--set", choice]);
    with_up(&[&["chain"], apart.as_flattened()].concat(), |server| {
        for (process, service) in
            [("front", "FrontService"), ("middle", "MiddleService"), ("back", "BackService")]
        {
            let (process, service) = (Grpcurl(server(process)), format!("lab.chain.{process}.v1.{service}"));
            let Some(listed) = process.lists() else { return };
            assert_eq!(listed, [HEALTH, REFLECTION, &service]);
            let key = json!({"page": "7", "number": 2});
            for method in ["Read", "Preview"] {
                let part = process.calls(&format!("{service}/{method}"), &json!({"key": key}));
                assert_eq!(part, json!({"key": key, "text": "part 2 of page 7"}), "{service}");
            }
            let ready = process.calls(&format!("{HEALTH}/Check"), &json!({"service": service}));
            assert_eq!(ready, json!({"status": "SERVING"}));
        }
        let review =
            Grpcurl(server("reviews")).calls("lab.chain.reviews.v1.ReviewsService/Of", &json!({"page": 7}));
        assert_eq!(review, json!({"page": "7", "stars": 3}));
    });
}

#[test]
fn each_component_of_the_cart_is_found_and_ready() {
    let apart = ["placement=microservices", "transport=grpc"].map(|choice| ["--set", choice]);
    with_up(&[&["cart"], apart.as_flattened()].concat(), |server| {
        for (process, service) in [
            ("catalog", "CatalogService"),
            ("carts", "CartsService"),
            ("stock", "StockService"),
            ("vouchers", "VouchersService"),
            ("payments", "PaymentsService"),
            ("orders", "OrdersService"),
            ("notices", "NoticesService"),
        ] {
            let (process, service) = (Grpcurl(server(process)), format!("lab.cart.{process}.v1.{service}"));
            let Some(listed) = process.lists() else { return };
            assert_eq!(listed, [HEALTH, REFLECTION, &service]);
            let ready = process.calls(&format!("{HEALTH}/Check"), &json!({"service": service}));
            assert_eq!(ready, json!({"status": "SERVING"}));
        }
        // 16 zero bytes: base64 in protobuf's JSON.
        let id = "A".repeat(21) + "A==";
        let orders = Grpcurl(server("orders"));
        let unknown = orders.fails("lab.cart.orders.v1.OrdersService/Order", &json!({"id": id}));
        let own = [r#""reason": "NOT_FOUND""#, r#""id": "00000000-0000-0000-0000-000000000000""#];
        assert!(unknown.contains("NotFound") && own.iter().all(|part| unknown.contains(part)), "{unknown}");
        let key = json!({"orderId": id, "take": "STEP_COMMIT"});
        let command = json!({"command": {"key": key, "commit": {}}});
        let reply = Grpcurl(server("stock")).calls("lab.cart.stock.v1.StockService/Perform", &command);
        assert_eq!(reply["reply"]["refused"]["reason"], "REFUSAL_REASON_NOT_RESERVED", "{reply}");
    });
}

#[test]
fn each_component_of_the_chat_is_found_and_ready() {
    let apart = ["placement=microservices", "transport=grpc"].map(|choice| ["--set", choice]);
    with_up(&[&["chat"], apart.as_flattened()].concat(), |server| {
        let each =
            [("rooms", "Rooms"), ("messages", "Messages"), ("presence", "Presence"), ("gateway", "Delivery")];
        for (process, name) in each {
            let service = format!("lab.chat.{}.v1.{name}Service", name.to_lowercase());
            let process = Grpcurl(server(process));
            let Some(listed) = process.lists() else { return };
            assert_eq!(listed, [HEALTH, REFLECTION, &service]);
            let ready = process.calls(&format!("{HEALTH}/Check"), &json!({"service": service}));
            assert_eq!(ready, json!({"status": "SERVING"}));
        }
        // 16 zero bytes: base64 in protobuf's JSON.
        let id = "A".repeat(21) + "A==";
        let rooms = Grpcurl(server("rooms"));
        let unknown = rooms.fails("lab.chat.rooms.v1.RoomsService/Room", &json!({"roomId": id}));
        assert!(unknown.contains("NotFound") && unknown.contains(r#""reason": "NOT_FOUND""#), "{unknown}");
    });
}

#[test]
fn each_component_of_the_limiter_is_found_and_ready() {
    let apart =
        ["placement=microservices", "state=service", "transport=grpc"].map(|choice| ["--set", choice]);
    with_up(&[&["limiter"], apart.as_flattened()].concat(), |server| {
        for (process, service) in [("policies", "PoliciesService"), ("counts", "CountsService")] {
            let Some(listed) = Grpcurl(server(process)).lists() else { return };
            assert_eq!(listed, [HEALTH, REFLECTION, &format!("lab.limiter.v1.{service}")]);
        }
        let (decisions, service) = (Grpcurl(server("decisions")), "lab.limiter.v1.DecisionsService");
        let fact = json!({"name": "address", "value": "192.0.2.1"});
        let decided =
            decisions.calls(&format!("{service}/Decide"), &json!({"ask": {"facts": [fact], "cost": 1}}));
        assert_eq!(decided["decision"]["verdict"], "VERDICT_ADMITTED", "{decided}");
        let ready = decisions.calls(&format!("{HEALTH}/Check"), &json!({"service": service}));
        assert_eq!(ready, json!({"status": "SERVING"}));
    });
}
