//! The refusals of the public API.

use http::Method;
use serde_json::{Value, json};

use super::{by_client, decide, in_force, put, quote};
use crate::edge_client::EdgeClient;

pub(super) fn policies_that_cannot_be_are_refused(edge: &EdgeClient) {
    let before = edge.get("/policies").json();
    let limited = |requests: Value, window_ms: Value| {
        let mut policy = by_client("a", 1, 1_000);
        policy["limits"] = json!([{ "requests": requests, "window_ms": window_ms }]);
        json!({ "policies": [policy] })
    };
    for (requests, window_ms) in [
        (json!(0), json!(1_000)),
        (json!(1_000_001), json!(60_000_000)),
        (json!(u64::MAX), json!(u64::MAX)),
        (json!(1), json!(0)),
        (json!(1), json!(2_678_400_001_u64)),
        (json!(1_001), json!(1)),
    ] {
        put(edge, &[], &limited(requests, window_ms)).is_problem(422, "invalid-policy");
    }
    for (requests, window_ms) in
        [(json!(-1), json!(1_000)), (json!(1.5), json!(1_000)), (json!(1), json!("1s"))]
    {
        put(edge, &[], &limited(requests, window_ms)).is_problem(400, "malformed");
    }
    let with = |member: &str, value: Value| {
        let mut policy = by_client("a", 1, 1_000);
        policy[member] = value;
        json!({ "policies": [policy] })
    };
    for body in [
        with("name", json!("")),
        with("name", json!("Two Words")),
        with("limits", json!([])),
        with("key", json!({ "header": "X-Client" })),
        with("exempt", json!(["x".repeat(257)])),
        json!({ "policies": [by_client("a", 1, 1_000), by_client("a", 1, 1_000)] }),
        json!({ "policies": (0..17).map(|n| by_client(&format!("p-{n}"), 1, 1_000)).collect::<Vec<_>>() }),
    ] {
        put(edge, &[], &body).is_problem(422, "invalid-policy");
    }
    for body in [json!({}), with("key", json!("phase-of-the-moon")), with("colour", json!("red"))] {
        put(edge, &[], &body).is_problem(400, "malformed");
    }
    let long = with("exempt", json!(vec!["x".repeat(250); 1_100]));
    put(edge, &[], &long).is_problem(413, "too-large");
    edge.ask(&Method::PUT, "/policies", &[], "{}").is_problem(415, "not-json");
    assert_eq!(edge.get("/policies").json(), before, "nothing was changed");
}

pub(super) fn who_can_be_nobody_is_not_exempt(edge: &EdgeClient) {
    let with = |key: Value, exempt: &str| {
        let mut policy = by_client("exempting", 1, 1_000);
        (policy["key"], policy["exempt"]) = (key, json!([exempt]));
        put(edge, &[], &json!({ "policies": [policy] }))
    };
    for (key, exempt) in [
        (json!("address"), "10.0.0.0/8"),
        (json!("address"), "2001:db8::/56"),
        (json!("address"), "not-an-address"),
        (json!({ "ipv6_prefix": 56 }), "2001:db8::/64"),
        (json!("everyone"), "monitor"),
    ] {
        let refused = with(key, exempt);
        refused.is_problem(422, "invalid-policy");
        assert!(refused.text("detail").contains("2001:db8::/64"), "it says what can be one: {refused:?}");
    }
    for (key, exempt) in [
        (json!("address"), "192.0.2.7"),
        (json!("address"), "2001:db8::/64"),
        (json!({ "ipv6_prefix": 56 }), "2001:db8::/56"),
    ] {
        assert_eq!(with(key, exempt).json()["policies"][0]["exempt"], json!([exempt]));
    }
}

pub(super) fn a_field_of_one_value_is_there_once(edge: &EdgeClient) {
    let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    quote(edge, &twice).is_problem(400, "malformed");
}

pub(super) fn a_header_that_never_comes_is_no_key(edge: &EdgeClient) {
    let with = |key: Value| {
        let mut policy = by_client("keyed", 1, 1_000);
        policy["key"] = key;
        put(edge, &[], &json!({ "policies": [policy] }))
    };
    for name in ["api-key", "authorization", "cookie", "x-", "x_tenant"] {
        let refused = with(json!({ "header": name }));
        refused.is_problem(422, "invalid-policy");
        for key in ["address", "ipv6_prefix", "token", "everyone", "x-"] {
            assert!(refused.text("detail").contains(key), "it says what can be one: {refused:?}");
        }
    }
    for prefix in [0, 129, 320] {
        with(json!({ "ipv6_prefix": prefix })).is_problem(422, "invalid-policy");
    }
    let key = json!({ "ipv6_prefix": 56 });
    assert_eq!(with(key.clone()).json()["policies"][0]["key"], key);
}

pub(super) fn questions_that_cannot_be_are_refused(edge: &EdgeClient) {
    let facts = |value: &str| json!({ "facts": { "token": value } });
    for cost in [0, 1_001] {
        decide(edge, &json!({ "facts": {}, "cost": cost })).is_problem(422, "invalid-ask");
    }
    for body in [json!({}), json!({ "facts": { "token": 1 } }), json!({ "facts": {}, "cost": -1 })] {
        decide(edge, &body).is_problem(400, "malformed");
    }
    decide(edge, &facts(&"x".repeat(64 << 10))).is_problem(413, "too-large");
    edge.ask(&Method::POST, "/decisions", &[], "{}").is_problem(415, "not-json");
    let twice = r#"{"facts": {"token": "a", "token": "b"}}"#;
    edge.ask(&Method::POST, "/decisions", &[("content-type", "application/json")], twice)
        .is_problem(400, "malformed");
}

pub(super) fn a_cost_that_can_never_fit_is_not_told_to_come_back(edge: &EdgeClient) {
    in_force(edge, &by_client("never", 3, 60_000));
    let reply = decide(edge, &json!({ "facts": { "header:x-client": "greedy" }, "cost": 4 })).json();
    assert_eq!((&reply["admitted"], &reply["after_ms"]), (&json!(false), &Value::Null), "{reply}");
    assert!(reply["detail"].as_str().is_some_and(|it| it.contains("ever has room")), "{reply}");
    let reply = decide(edge, &json!({ "facts": { "header:x-client": "modest" }, "cost": 1 })).json();
    assert!(reply["after_ms"].is_number() && reply["detail"].is_null(), "{reply}");
}

pub(super) fn what_is_not_there_is_not_found(edge: &EdgeClient) {
    for path in ["/", "/quotes", "/nothing/here", "/health/ready", "/metrics"] {
        edge.get(path).is_problem(404, "no-such-path");
    }
    for (method, path, allowed) in
        [(Method::POST, "/quotes/1", "GET,HEAD"), (Method::DELETE, "/policies", "GET,HEAD,PUT")]
    {
        let reply = edge.ask(&method, path, &[], "");
        reply.is_problem(405, "method-not-allowed");
        assert_eq!(reply.header("allow"), allowed);
    }
}
