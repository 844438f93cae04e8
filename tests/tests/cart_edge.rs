//! The promises of the cart's public API, for every wiring of a scenario and every value.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use design::Wiring;
use scenario::plan::ArmPlan;
use system_tests::{
    cart_suite::{self, client},
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

#[test]
fn the_public_api_keeps_its_promises_in_every_wiring() {
    let mut arms = cart().of_scenarios();
    arms.extend(cart().of_other_values(&arms));
    arms.extend([
        arm("apart, grpc", &[APART, ("transport", "grpc")]),
        arm("apart, grpc, saga", &[APART, ("transport", "grpc"), BY_SAGA, ("ownership", "per-service")]),
        arm("unsound, saga", &[BY_SAGA, ("provider", "unsound")]),
        arm("no relay, saga", &[BY_SAGA, ("outbox", "no-relay")]),
    ]);
    arms.retain(|arm| arm.wiring.check().is_ok());
    assert!(arms.len() >= 20, "every value of every axis, and only {} were found", arms.len());
    cart().patient().with_each(&arms, |launch| {
        let wiring = &arms.iter().find(|arm| arm.name == launch.arms[0].name).unwrap().wiring;
        cart_suite::behaves(&client(launch.arms[0].public), wiring);
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
