//! The promises of the limiter's public API, one behaviour per function, for any wiring.

mod refusals;

use std::time::Duration;

use design::Wiring;
use http::Method;
use serde_json::{Value, json};

use crate::{
    described,
    edge_client::{EdgeClient, Reply},
    edge_suite::eventually,
};

/// The time limit for a change of the policies to take effect: half a second, and a margin for a busy
/// machine.
const IN_FORCE_WITHIN: Duration = Duration::from_secs(20);

/// Consecutive requests that reach every replica of a process, however few there are.
const REQUESTS_TO_ALL_REPLICAS: usize = 12;

/// A client of a limiter.
pub fn client(address: std::net::SocketAddr) -> EdgeClient {
    EdgeClient::of(address, route)
}

/// The route for a path.
fn route(path: &str) -> &'static str {
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", "policies"] => "/policies",
        ["", "decisions"] => "/decisions",
        ["", "openapi.json"] => "/openapi.json",
        ["", "quotes", _] => "/quotes/{number}",
        _ => "none",
    }
}

/// The schema of a route's reply.
fn shown(_: &str, route: &str) -> &'static str {
    match route {
        "/policies" => "PoliciesShown",
        "/decisions" => "DecisionShown",
        _ => "QuoteShown",
    }
}

/// Requests a quote with these headers.
pub fn quote(edge: &EdgeClient, headers: &[(&str, &str)]) -> Reply {
    edge.ask(&Method::GET, "/quotes/7", headers, "")
}

/// `PUT /policies`
pub fn put(edge: &EdgeClient, headers: &[(&str, &str)], body: &Value) -> Reply {
    let headers = [&[("content-type", "application/json")], headers].concat();
    edge.ask(&Method::PUT, "/policies", &headers, body.to_string())
}

fn decide(edge: &EdgeClient, body: &Value) -> Reply {
    edge.ask(&Method::POST, "/decisions", &[("content-type", "application/json")], body.to_string())
}

/// Stores one policy, and waits until every replica decides by it.
pub fn in_force(edge: &EdgeClient, policy: &Value) {
    let name = policy["name"].as_str().expect("a name");
    let put = put(edge, &[], &json!({ "policies": [policy] }));
    assert_eq!(put.status, 200, "{put:?}");
    let probe = |number: usize| {
        // Each probe is a different client, so that none is over a limit.
        let facts = json!({ "facts": { "header:x-client": format!("probe-{name}-{number}") } });
        decide(edge, &facts).json()["standings"].to_string().contains(name)
    };
    let mut number = 0;
    eventually(IN_FORCE_WITHIN, "the policy is in force", || {
        number += REQUESTS_TO_ALL_REPLICAS;
        (0..REQUESTS_TO_ALL_REPLICAS).all(|each| probe(number + each)).then_some(())
    });
}

/// A policy with the header `x-client` as its key.
pub fn by_client(name: &str, requests: u64, window_ms: u64) -> Value {
    json!({
        "name": name,
        "key": { "header": "x-client" },
        "limits": [{ "requests": requests, "window_ms": window_ms }],
    })
}

/// Runs every behaviour against one edge of a fresh wiring.
pub fn behaves(edge: &EdgeClient, wiring: &Wiring) {
    there_is_a_first_policy(edge);
    a_quote_comes_with_where_its_client_stands(edge);
    who_asks_too_often_is_told_when_to_come_back(edge, wiring);
    a_dry_run_refuses_nothing_and_says_what_it_would(edge);
    who_is_exempt_is_left_alone(edge, wiring);
    policies_are_replaced_by_whoever_knows_them(edge);
    refusals::policies_that_cannot_be_are_refused(edge);
    what_no_policy_looks_at_shuts_nobody_out(edge);
    a_long_key_is_a_key(edge, wiring);
    refusals::a_field_of_one_value_is_there_once(edge);
    refusals::a_header_that_never_comes_is_no_key(edge);
    refusals::who_can_be_nobody_is_not_exempt(edge);
    refusals::questions_that_cannot_be_are_refused(edge);
    refusals::a_cost_that_can_never_fit_is_not_told_to_come_back(edge);
    equal_limits_have_a_count_each(edge, wiring);
    refusals::what_is_not_there_is_not_found(edge);
    the_description_says_what_a_value_may_be(edge);
    described::everything_that_was_seen(edge, shown);
}

fn there_is_a_first_policy(edge: &EdgeClient) {
    let reply = edge.get("/policies");
    assert_eq!((reply.status, reply.header("etag")), (200, "\"1\""));
    let policies = reply.json();
    assert_eq!(policies["version"], 1);
    let expected = json!([{
        "name": "per-token", "key": "token", "mode": "enforce",
        "limits": [{ "requests": 100, "window_ms": 1_000 }],
    }]);
    assert_eq!(policies["policies"], expected);
    let bound = &policies["bound"][0];
    assert_eq!(
        (&bound["policy"], &bound["requests"], &bound["window_ms"]),
        (&json!("per-token"), &json!(100), &json!(1_000))
    );
    assert!(bound["at_most"].as_u64().is_some_and(|most| most >= 100), "{bound}");
    assert!(bound["in_the_long_run"].as_u64().is_some_and(|most| most >= 100), "{bound}");
    // A queue has room for one more: the one that leaves at once.
    assert!(bound["refused_after"].as_u64().is_some_and(|least| (100..=101).contains(&least)), "{bound}");
    assert!(bound["refused_within_ms"].as_u64().is_some_and(|within| within >= 1_000), "{bound}");
}

fn a_quote_comes_with_where_its_client_stands(edge: &EdgeClient) {
    let reply = quote(edge, &[("authorization", "Bearer one")]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["number"], 7);
    assert!(!reply.text("text").is_empty());
    assert_eq!(reply.header("ratelimit-policy"), "\"per-token\";q=100;w=1");
    let stands = reply.header("ratelimit");
    assert!(
        stands.starts_with("\"per-token\";r=") && (stands.ends_with(";t=1") || stands.ends_with(";t=2")),
        "{stands}"
    );
    let first = edge.get("/quotes/0").text("text");
    assert_eq!(edge.get("/quotes/20").text("text"), first, "there is one for every number");
    for no_number in ["many", "%ff", "+5", "-1", "18446744073709551616"] {
        edge.get(&format!("/quotes/{no_number}")).is_problem(400, "malformed");
    }
}

fn who_asks_too_often_is_told_when_to_come_back(edge: &EdgeClient, wiring: &Wiring) {
    in_force(edge, &by_client("three", 3, 60_000));
    let at_most = edge.get("/policies").json()["bound"][0]["at_most"].as_u64().expect("a number");
    let mut admitted = 0;
    let refused = loop {
        let reply = quote(edge, &[("x-client", "often")]);
        if reply.status != 200 {
            break reply;
        }
        admitted += 1;
        assert!(admitted <= at_most, "{admitted} of at most {at_most}");
    };
    refused.is_problem(429, "over-limit");
    assert_eq!(refused.header("ratelimit-policy"), "\"three\";q=3;w=60");
    let retry: u64 = refused.header("retry-after").parse().expect("whole seconds");
    assert_eq!(refused.header("ratelimit"), format!("\"three\";r=0;t={retry}"), "one more passes then");
    assert!((1..=120).contains(&retry), "{retry}");
    if wiring.get("keying") == "per-client" {
        assert!(admitted >= 1, "the probes are other clients");
        assert_eq!(quote(edge, &[("x-client", "seldom")]).status, 200, "others are left alone");
    } else {
        let other = (0..REQUESTS_TO_ALL_REPLICAS).map(|_| quote(edge, &[("x-client", "seldom")]).status);
        assert!(other.max() == Some(429), "one has used up what all have");
    }
}

fn a_dry_run_refuses_nothing_and_says_what_it_would(edge: &EdgeClient) {
    let mut policy = by_client("dry", 2, 60_000);
    policy["mode"] = json!("count");
    in_force(edge, &policy);
    let ask = json!({ "facts": { "header:x-client": "dry" } });
    let answers: Vec<_> = (0..40).map(|_| decide(edge, &ask).json()).collect();
    assert!(answers.iter().all(|answer| answer["admitted"] == true && answer["counted"] == true));
    assert!(answers.iter().any(|answer| answer["would_refuse"] == true), "{answers:?}");
    assert_eq!(quote(edge, &[("x-client", "dry")]).status, 200);
}

fn who_is_exempt_is_left_alone(edge: &EdgeClient, wiring: &Wiring) {
    let mut policy = by_client("mostly", 1, 60_000);
    policy["exempt"] = json!(["monitor", "café"]);
    in_force(edge, &policy);
    for client in ["monitor", "café"] {
        for _ in 0..20 {
            let reply = quote(edge, &[("x-client", client)]);
            assert_eq!((reply.status, reply.header("ratelimit")), (200, ""));
        }
    }
    if wiring.get("keying") == "per-client" {
        let refused = (0..20).any(|_| quote(edge, &[]).status == 429);
        assert!(refused, "whoever says nothing shares one count with all others who do not");
    }
}

fn policies_are_replaced_by_whoever_knows_them(edge: &EdgeClient) {
    let known = edge.get("/policies");
    let (tag, body) = (known.header("etag").to_owned(), known.json());
    let again = put(edge, &[("if-match", &tag)], &body);
    assert_eq!((again.status, again.json()), (200, body.clone()), "what was read may be sent back");

    let other = json!({ "policies": [by_client("other", 5, 1_000)] });
    let changed = put(edge, &[("if-match", &tag)], &other);
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
    let late = json!({ "policies": [by_client("late", 5, 1_000)] });
    put(edge, &[("if-match", &tag)], &late).is_problem(412, "policies-changed");
    assert_eq!(edge.get("/policies").json(), changed.json(), "nothing was changed");
    let weak = format!("W/{}", changed.header("etag"));
    for other in ["\"x\"", &weak, &format!("{tag}, {weak}"), ""] {
        put(edge, &[("if-match", other)], &late).is_problem(412, "policies-changed");
    }
    for malformed in ["3", "\"3", "\"1\" \"2\"", "*, *"] {
        put(edge, &[("if-match", malformed)], &late).is_problem(400, "malformed");
    }
    put(edge, &[("if-none-match", "*")], &late).is_problem(412, "policies-changed");
    for list in [tag.as_str(), "\"1\", \"2\"", "3"] {
        let refused = put(edge, &[("if-none-match", list)], &late);
        refused.is_problem(400, "malformed");
        assert!(refused.text("detail").contains("`If-Match`"), "it says what to do: {refused:?}");
    }
    let listed = [("if-match", tag.as_str()), ("if-match", changed.header("etag"))];
    assert_eq!(put(edge, &listed, &late).status, 200, "one of a list is in force");
    let any = json!({ "policies": [by_client("any", 5, 1_000)] });
    assert_eq!(put(edge, &[("if-match", "*")], &any).status, 200);
    let many = vec!["\"1\""; 65].join(",");
    put(edge, &[("if-match", &many)], &late).is_problem(400, "malformed");
    of_thirty_at_once_all_are_in_force_in_some_order(edge);
    assert_eq!(put(edge, &[], &json!({ "policies": [] })).status, 200, "no policy is a policy");
}

fn of_thirty_at_once_all_are_in_force_in_some_order(edge: &EdgeClient) {
    let address = edge.address();
    let put_one = |number: usize| {
        let body = json!({ "policies": [by_client(&format!("at-once-{number}"), 5, 1_000)] });
        put(&client(address), &[], &body).status
    };
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let puts: Vec<_> = (0..30).map(|number| scope.spawn(move || put_one(number))).collect();
        puts.into_iter().map(|put| put.join().expect("a reply")).collect()
    });
    assert_eq!(statuses, [200; 30]);
}

fn what_no_policy_looks_at_shuts_nobody_out(edge: &EdgeClient) {
    in_force(edge, &by_client("plenty", 10_000, 1_000));
    let (names, long) =
        ((0..64).map(|number| format!("x-fact-{number}")).collect::<Vec<_>>(), "x".repeat(257));
    let headers: Vec<_> = names.iter().map(|name| (name.as_str(), long.as_str())).collect();
    assert_eq!(quote(edge, &headers).status, 200);
    let token = format!("Bearer {}", "x".repeat(2_000));
    assert_eq!(quote(edge, &[("authorization", &token)]).status, 200);
    let facts = json!({ "facts": { "token": "x".repeat(2_000), "x".repeat(300): "y" } });
    assert_eq!(decide(edge, &facts).status, 200);
    let facts: serde_json::Map<_, _> = (0..513).map(|number| (number.to_string(), json!(""))).collect();
    decide(edge, &json!({ "facts": facts })).is_problem(422, "invalid-ask");
}

fn a_long_key_is_a_key(edge: &EdgeClient, wiring: &Wiring) {
    in_force(edge, &by_client("long", 3, 60_000));
    if wiring.get("keying") == "shared" {
        return;
    }
    let client = |last: char| "x".repeat(1_000) + &last.to_string();
    let (one, other) = (client('a'), client('b'));
    let at_most = edge.get("/policies").json()["bound"][0]["at_most"].as_u64().expect("a number");
    let refused = (0..=at_most).any(|_| quote(edge, &[("x-client", &one)]).status == 429);
    assert!(refused, "it has a count");
    assert_eq!(quote(edge, &[("x-client", &other)]).status, 200, "of its own");
}

fn equal_limits_have_a_count_each(edge: &EdgeClient, wiring: &Wiring) {
    let mut policy = by_client("twice", 3, 60_000);
    policy["limits"] = json!([policy["limits"][0], policy["limits"][0]]);
    in_force(edge, &policy);
    let at_most = edge.get("/policies").json()["bound"][0]["at_most"].as_u64().expect("a number");
    let admitted =
        (0..2 * at_most).filter(|_| quote(edge, &[("x-client", "equal")]).status == 200).count() as u64;
    // A queue of one second holds only one of them; the probes have used part of a shared count.
    if wiring.get("keying") == "per-client" && wiring.get("algorithm") != "leaky-bucket" {
        assert!((3..=at_most).contains(&admitted), "{admitted} of three");
    }
}

fn the_description_says_what_a_value_may_be(edge: &EdgeClient) {
    let document = edge.get("/openapi.json").json();
    let policy = &document["components"]["schemas"]["PolicyText"]["properties"];
    assert_eq!(policy["key"]["oneOf"][0]["enum"], json!(["address", "token", "everyone"]));
    assert_eq!(policy["mode"]["enum"], json!(["enforce", "count"]));
    let limit = &document["components"]["schemas"]["LimitText"]["properties"];
    assert_eq!(
        (&limit["requests"]["minimum"], &limit["requests"]["maximum"]),
        (&json!(1), &json!(1_000_000))
    );
    let cost = &document["components"]["schemas"]["DecisionAsked"]["properties"]["cost"];
    assert_eq!((&cost["minimum"], &cost["maximum"]), (&json!(1), &json!(1_000)));
    let if_match = &document["paths"]["/policies"]["put"]["parameters"][0];
    assert!(if_match["name"] == "If-Match" && if_match["schema"]["pattern"].is_string(), "{if_match}");
    // A number with a zero fraction is an integer as well.
    let reply = decide(edge, &json!({ "facts": {}, "cost": 1.0 }));
    assert_eq!(reply.status, 200, "{reply:?}");
}
