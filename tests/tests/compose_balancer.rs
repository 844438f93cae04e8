//! The balancer of an exported project: a real Envoy with its configuration, before two gateways that run as processes.
//! Sessions are sticky or not, and whoever was at a gateway that stops goes on at the other one.
//!
//! Without `envoy` a message says so, and the tests fail if `CI` is set.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{fs, net::SocketAddr, time::Duration};

use chat::RoomId;
use design::Wiring;
use http::Method;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use runtimes::{
    arm::{RunningArm, RunningProcess},
    http::get,
    launch::Launch,
};
use scenario::plan::ArmPlan;
use serde_json::{Value, json};
use system_tests::{
    chat_suite::{Socket, client},
    command::Desk,
    edge_client::EdgeClient,
    edge_suite::eventually,
    envoy::{Envoy, can_be_had},
    tree::root,
    wirings::{Wirings, end},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// Two gateways.
const CHOICES: [(&str, &str); 4] =
    [("placement", "microservices"), ("database", "postgres"), ("fanout", "redis"), ("replicas", "2")];

/// The time limit of a page of metrics.
const PAGE_WITHIN: Duration = Duration::from_secs(10);

/// The time limit to come back from a gateway that was killed.
const BACK_WITHIN: Duration = Duration::from_secs(10);

/// What `lab export compose` writes for the balancer.
fn exported(sessions: &str) -> String {
    let desk = Desk::new(PROGRAM);
    let set: Vec<_> = CHOICES
        .iter()
        .chain(&[("sessions", sessions)])
        .map(|(axis, value)| format!("{axis}={value}"))
        .collect();
    let set = set.iter().flat_map(|set| ["--set", set]);
    let command = ["export", "compose", "chat", "--name", "balanced", "--out", "out"].into_iter().chain(set);
    let ended = desk.lab(&command.collect::<Vec<_>>());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    fs::read_to_string(desk.path("out/chat/balanced/balancer.yaml")).unwrap()
}

/// An Envoy with that configuration before the gateways of an arm: with their addresses, and its own.
fn before(arm: &RunningArm, sessions: &str) -> Envoy {
    before_asking(arm, sessions, |gateway| gateway.internal.port())
}

/// The same, which asks each gateway at this port whether it is ready.
fn before_asking(arm: &RunningArm, sessions: &str, asked: impl Fn(&RunningProcess) -> u16) -> Envoy {
    let mut all: Value = serde_saphyr::from_str(&exported(sessions)).unwrap();
    let endpoints = all.pointer_mut("/static_resources/clusters/0/load_assignment/endpoints/0/lb_endpoints");
    let endpoints = endpoints.unwrap().as_array_mut().unwrap();
    let gateways = gateways(arm);
    assert_eq!(endpoints.len(), gateways.len());
    for (endpoint, gateway) in endpoints.iter_mut().zip(gateways) {
        let endpoint = &mut endpoint["endpoint"];
        let name = endpoint["address"]["socket_address"]["address"].take();
        assert_eq!(name, format!("balanced-{}", gateway.name), "a service of the project");
        endpoint["hostname"] = name;
        endpoint["address"] = address(gateway.public.unwrap());
        endpoint["health_check_config"] = json!({ "port_value": asked(gateway) });
    }
    Envoy::start(|port| {
        all["static_resources"]["listeners"][0]["address"] =
            address(SocketAddr::from(([127, 0, 0, 1], port)));
        all
    })
}

fn address(address: SocketAddr) -> Value {
    json!({ "socket_address": { "address": address.ip().to_string(), "port_value": address.port() } })
}

fn gateways(arm: &RunningArm) -> Vec<&RunningProcess> {
    arm.processes.iter().filter(|process| process.public.is_some()).collect()
}

/// How many sockets each gateway has opened.
fn opened(arm: &RunningArm) -> Vec<u64> {
    let one = |gateway: &&RunningProcess| {
        let page = get(gateway.internal, "/metrics", PAGE_WITHIN).unwrap().body;
        let lines = page.lines().filter(|line| line.starts_with("live_connections_opened_total"));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    };
    gateways(arm).iter().map(one).collect()
}

/// Somebody in the room.
struct Member {
    name: String,
    token: String,
}

/// A room with these members, made through the balancer.
fn room(edge: &EdgeClient, names: &[String]) -> (RoomId, Vec<Member>) {
    let room = RoomId(1);
    let post = |path: &str, token: &str, body: Value| {
        let bearer = format!("Bearer {token}");
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let reply = edge.ask(&Method::POST, path, &headers, body.to_string());
        assert!(reply.status < 300, "{reply:?}");
        reply
    };
    let member = |name: &String| {
        let token = post("/tokens", "none", json!({ "user": name })).text("token");
        Member { name: name.clone(), token }
    };
    let members: Vec<_> = names.iter().map(member).collect();
    post("/rooms", &members[0].token, json!({ "id": room, "name": "Tea" }));
    if names.len() > 1 {
        let others = json!({ "users": names[1..], "role": "member" });
        post(&format!("/rooms/{room}/members"), &members[0].token, others);
    }
    (room, members)
}

/// Opens a socket, and says at which gateway it is.
fn open(
    arm: &RunningArm,
    envoy: &Envoy,
    room: RoomId,
    member: &Member,
    after: Option<&str>,
) -> (Socket, usize) {
    let earlier = opened(arm);
    let socket = Socket::open(envoy.address(), room, &member.token, after).unwrap();
    let now = opened(arm);
    let at: Vec<_> = (0..now.len()).filter(|gateway| now[*gateway] > earlier[*gateway]).collect();
    let [at] = at[..] else { panic!("one gateway has it: {earlier:?}, {now:?}") };
    (socket, at)
}

/// Runs the chat with two gateways.
fn with_two_gateways(work: impl Fn(&mut Launch) + Sync) {
    if !can_be_had() {
        return;
    }
    let chat = Wirings::of("chat", PROGRAM);
    let wiring = Wiring::with(chat.system, CHOICES).unwrap();
    chat.with_each(&[ArmPlan::new("balanced".to_owned(), wiring)], work);
}

#[test]
fn a_client_that_comes_back_goes_to_its_gateway_or_to_the_next() {
    with_two_gateways(|launch| {
        let arm = &launch.arms[0];
        let sticky = before(arm, "sticky");
        let names: Vec<_> = (0..16).map(|number| format!("user-{number}")).collect();
        let (room, members) = room(&client(sticky.address()), &names);
        let visits = |envoy: &Envoy, member: &Member| {
            (0..4).map(|_| open(arm, envoy, room, member, None).1).collect::<Vec<_>>()
        };
        let mut places = Vec::new();
        for member in &members {
            let visits = visits(&sticky, member);
            assert!(visits.iter().all(|place| *place == visits[0]), "{}: {visits:?}", member.name);
            places.push(visits[0]);
        }
        assert!(places.contains(&0) && places.contains(&1), "each gateway has some: {places:?}");
        let visits = visits(&before(arm, "any"), &members[0]);
        assert!(visits.windows(2).all(|pair| pair[0] != pair[1]), "in turn: {visits:?}");
    });
}

/// Two members with a socket each, the first at the first gateway and the second at the second, and their first positions.
fn apart(arm: &RunningArm, envoy: &Envoy) -> (RoomId, [(Member, Socket, String); 2]) {
    let names: Vec<_> = (0..16).map(|number| format!("user-{number}")).collect();
    let (room, members) = room(&client(envoy.address()), &names);
    let mut found = [None, None];
    for member in members {
        let (mut socket, at) = open(arm, envoy, room, &member, None);
        let position = socket.ready();
        found[at].get_or_insert((member, socket, position));
    }
    (room, found.map(|found| found.expect("each gateway has some")))
}

#[test]
fn whoever_was_at_a_gateway_that_stops_goes_on_at_the_other_one() {
    with_two_gateways(|launch| {
        let envoy = before(&launch.arms[0], "sticky");
        let (room, [(ann, mut ann_reads, position), (bob, mut bob_reads, _)]) =
            apart(&launch.arms[0], &envoy);
        end(launch, "gateway-1");
        assert_eq!(ann_reads.closed(), 1012, "{} is told that her gateway restarts", ann.name);
        assert_eq!(bob_reads.send(7, "still here")["type"], "sent", "{} notices nothing", bob.name);
        let mut ann_reads = Socket::open(envoy.address(), room, &ann.token, Some(&position)).unwrap();
        ann_reads.ready();
        let said = format!("1 {}: still here", bob.name);
        assert_eq!(ann_reads.record(), Ok(said.clone()), "what was said while she was away");
        assert_eq!(bob_reads.record(), Ok(said));
    });
}

#[test]
fn whoever_was_at_a_gateway_that_is_killed_goes_on_at_the_other_one() {
    with_two_gateways(|launch| {
        let envoy = before(&launch.arms[0], "sticky");
        let (room, [(ann, ann_reads, position), (bob, mut bob_reads, _)]) = apart(&launch.arms[0], &envoy);
        let gateway = gateways(&launch.arms[0])[0].pid.cast_signed();
        kill(Pid::from_raw(gateway), Signal::SIGKILL).unwrap();
        drop(ann_reads);
        // A handshake that the gateway had already when it was killed is answered with 503: a client tries again.
        let mut ann_reads = eventually(BACK_WITHIN, "she is back", || {
            Socket::open(envoy.address(), room, &ann.token, Some(&position)).ok()
        });
        ann_reads.ready();
        assert_eq!(bob_reads.send(7, "still here")["type"], "sent", "{} notices nothing", bob.name);
        assert_eq!(ann_reads.record(), Ok(format!("1 {}: still here", bob.name)), "{} is back", ann.name);
    });
}

#[test]
fn nobody_is_sent_to_a_gateway_that_does_not_say_that_it_is_ready() {
    with_two_gateways(|launch| {
        let arm = &launch.arms[0];
        // The first is asked where it answers 404, and serves.
        let envoy = before_asking(arm, "any", |gateway| match gateway.name.as_str() {
            "gateway-1" => gateway.public.unwrap().port(),
            _ => gateway.internal.port(),
        });
        let (room, members) = room(&client(envoy.address()), &["ann".to_owned()]);
        let visits: Vec<_> = (0..6).map(|_| open(arm, &envoy, room, &members[0], None).1).collect();
        assert_eq!(visits, [1; 6], "those who come in turn come to the second");
    });
}

#[test]
fn its_image_is_of_the_release_that_is_tested() {
    let engine = fs::read_to_string(root().join(".ci/engine")).unwrap();
    let offline = fs::read_to_string(root().join("deploy/offline/build")).unwrap();
    let compose = fs::read_to_string(root().join("deploy/compose/chat/chat-microservices.yml")).unwrap();
    let image = compose.split("envoyproxy/envoy:v").nth(1).and_then(|rest| rest.lines().next());
    let version = image.expect("it has a balancer");
    for (file, text) in [(".ci/engine", engine), ("deploy/offline/build", offline)] {
        assert!(
            text.contains(&format!("\nenvoy_version={version}\n")),
            "`{file}` has another than {version}"
        );
    }
}
