//! The promises of the chat's public API, for every wiring of a scenario and every value, and while a component is away.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use design::Wiring;
use scenario::plan::ArmPlan;
use system_tests::{
    chat_suite::{self, client},
    wirings::Wirings,
};

/// The wirings of the chat; this program is every service process.
fn chat() -> Wirings {
    Wirings::of("chat", env!("CARGO_BIN_EXE_hosted"))
}

fn arm(label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    ArmPlan::new(label.to_owned(), Wiring::with(chat().system, choices.iter().copied()).unwrap())
}

const APART: (&str, &str) = ("placement", "microservices");

#[test]
fn the_public_api_keeps_its_promises_in_every_wiring() {
    let mut arms = chat().of_scenarios();
    // Replicas need a way between gateways, which the defaults do not have.
    arms.extend(chat().of_other_values(&arms).into_iter().filter(|arm| arm.wiring.check().is_ok()));
    for (fanout, replicas) in [("redis", "2"), ("redis", "4"), ("kafka", "2")] {
        let copied = [APART, ("fanout", fanout), ("replicas", replicas)];
        arms.push(arm(&format!("{replicas} gateways over {fanout}"), &copied));
    }
    for transport in ["http", "grpc"] {
        let apart = [APART, ("database", "postgres"), ("fanout", "redis"), ("transport", transport)];
        arms.push(arm(&format!("apart over redis, {transport}"), &apart));
    }
    chat().patient().with_each(&arms, |launch| {
        let wiring = &arms.iter().find(|arm| arm.name == launch.arms[0].name).unwrap().wiring;
        chat_suite::behaves(&client(launch.arms[0].public), wiring);
        assert_eq!(launch.death(), None);
    });
}
