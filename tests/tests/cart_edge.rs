//! The promises of the cart's public API, for every wiring of a scenario and every value.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use axum::body::Bytes;
use design::Wiring;
use http::Method;
use scenario::plan::ArmPlan;
use system_tests::{
    cart_suite::{self, client_of},
    wirings::Wirings,
};

/// The wirings of the cart; this program is every service process.
fn cart() -> Wirings {
    Wirings::of("cart", env!("CARGO_BIN_EXE_hosted"))
}

fn arm(label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    ArmPlan::new(label.to_owned(), Wiring::with(cart().system, choices.iter().copied()).unwrap())
}

const APART: (&str, &str) = ("placement", "microservices");
const BY_SAGA: (&str, &str) = ("checkout", "saga");
const DIRECT: (&str, &str) = ("routing", "direct");

#[test]
fn the_public_api_keeps_its_promises_in_every_wiring() {
    let mut arms = cart().of_scenarios();
    arms.extend(cart().of_other_values(&arms));
    arms.extend([
        arm("apart, grpc", &[APART, ("transport", "grpc")]),
        arm("apart, grpc, saga", &[APART, ("transport", "grpc"), BY_SAGA, ("ownership", "per-service")]),
        arm("direct, two processes", &[DIRECT, ("placement", "checkout-apart")]),
        arm("direct, grpc, saga", &[DIRECT, APART, ("transport", "grpc"), BY_SAGA]),
        arm("unsound, saga", &[BY_SAGA, ("provider", "unsound")]),
        arm("no relay, saga", &[BY_SAGA, ("outbox", "no-relay")]),
    ]);
    arms.retain(|arm| arm.wiring.check().is_ok());
    assert!(arms.len() >= 20, "every value of every axis, and only {} were found", arms.len());
    cart().patient().with_each(&arms, |launch| {
        let wiring = &arms.iter().find(|arm| arm.name == launch.arms[0].name).unwrap().wiring;
        cart_suite::behaves(&client_of(launch.arms[0].target().unwrap()), wiring);
        assert_eq!(launch.death(), None);
    });
}

#[test]
fn one_transaction_over_several_databases_is_refused_with_the_reason() {
    let split = arm("split", &[("ownership", "per-service")]);
    let refused = split.wiring.check().unwrap_err().to_string();
    assert!(refused.contains("`ownership=per-service`") && refused.contains("`saga`"), "{refused}");
    let saga = arm("saga", &[("ownership", "per-service"), BY_SAGA]);
    assert_eq!(saga.wiring.check(), Ok(()));
}

#[test]
fn called_directly_each_process_serves_its_own_part_of_the_api_and_no_other() {
    let arms = [arm("direct", &[DIRECT, APART])];
    cart().patient().with_each(&arms, |launch| {
        let running = &launch.arms[0];
        let edge = client_of(running.target().unwrap());
        let names: Vec<_> = running.parts.iter().map(|part| part.process.as_str()).collect();
        assert_eq!(names, ["catalog", "carts", "orders", "stock", "vouchers", "payments", "notices"]);
        let whole = edge.description();
        let routes: Vec<_> = whole["paths"].as_object().unwrap().keys().collect();
        assert_eq!(routes.len(), 19, "{routes:?}");
        for part in &running.parts {
            let ask = |path: &str| edge.ask_at(part.address, &Method::GET, path, &[], Bytes::new());
            let own = ask("/openapi.json").json();
            for route in &routes {
                let is_own = edge_owner(route) == part.process;
                assert_eq!(own["paths"][route.as_str()].is_object(), is_own, "{route} at {}", part.process);
                // What is not served there is as unknown as any other path.
                if !is_own {
                    ask(&route.replace(['{', '}'], "")).is_problem(404, "no-such-path");
                }
            }
        }
        assert_eq!(launch.death(), None);
    });
}

/// The component that a route is about, by the words of the public API's table.
fn edge_owner(route: &str) -> &'static str {
    match route.split('/').collect::<Vec<_>>()[1..] {
        ["products", _, "deliveries", _] | ["stock"] => "stock",
        ["products", ..] => "catalog",
        ["carts", ..] => "carts",
        ["vouchers", ..] => "vouchers",
        ["orders", _, "notices"] => "notices",
        ["checkouts" | "orders" | "sales", ..] | ["admin", "sagas", ..] => "orders",
        ["admin", "books"] | ["webhooks", "provider"] => "payments",
        _ => "nobody",
    }
}

#[test]
fn what_cannot_be_called_directly_is_refused_with_the_reason() {
    for (choices, words) in [
        (&[DIRECT][..], "in `monolith` there is one process"),
        (&[DIRECT, APART, ("edge", "graphql")], "needs `edge=rest`"),
        (&[DIRECT, APART, ("edge", "grpc")], "needs `edge=rest`"),
        (&[DIRECT, APART, ("replicas", "2")], "needs `replicas=1`"),
    ] {
        let refused = arm("direct", choices).wiring.check().unwrap_err().to_string();
        assert!(refused.contains("`routing=direct`") && refused.contains(words), "{refused}");
    }
    assert_eq!(arm("direct", &[DIRECT, APART]).wiring.check(), Ok(()));
}
