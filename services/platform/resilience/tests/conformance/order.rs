//! Number 7, the order of the layers: the right order passes, and each wrong order is caught.

use std::time::Duration;

use contract::Why;
use resilience::{Callees, Order, Preset, Settings, settings::AttemptSettings};

use crate::{
    Expected::{self, Fails, Passes},
    Verdict, ensure, judge,
    subjects::{breaker_settings, is_rejected, retry_settings},
    world::{Call, Does, FOREVER, MS, World},
};

fn world(order: Order) -> World {
    let settings = Settings {
        attempt: AttemptSettings::Fixed(100 * MS),
        retry: retry_settings(),
        breaker: breaker_settings(),
        order,
        ..Settings::default()
    };
    World::new(false, |callee, _| {
        resilience::stack(&Callees::default().get("probe", Preset::Full, &settings), callee)
    })
}

/// The right order, and one that is wrong in this question.
async fn check(name: &str, wrong: Order, run: impl AsyncFn(&World) -> Verdict) {
    let orders: [(&str, Order, Expected); 2] =
        [("ours", Order::default(), Passes), ("the wrong order", wrong, Fails)];
    for (subject, order, expected) in orders {
        judge(name, subject, &run(&world(order)).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn bug_07_outside_the_breaker_a_time_limit_hides_a_callee_that_hangs() {
    let wrong = Order { attempt_limit_outside_retry: true, ..Order::default() };
    check("7 time limit outside", wrong, async |world| {
        world.callee.now(Does::Answers, FOREVER);
        let mut results = Vec::new();
        for _ in 0..20 {
            results.push(world.call(Call::write()).await);
        }
        ensure!(results.iter().any(is_rejected), "20 calls hung, and the breaker is closed");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bug_07_inside_the_breaker_a_retry_hides_attempts() {
    let wrong = Order { retry_inside_breaker: true, ..Order::default() };
    check("7 retry inside", wrong, async |world| {
        world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
        world.reads(20).await;
        let arrivals = world.callee.arrivals();
        ensure!(arrivals == 5, "it opens after 5 failures in a row, and the callee had {arrivals}");
        Ok(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_order_answers_and_ends_at_the_deadline() {
    for retry_inside_breaker in [false, true] {
        for attempt_limit_outside_retry in [false, true] {
            let order = Order { retry_inside_breaker, attempt_limit_outside_retry };
            let world = world(order);
            assert_eq!(world.reads(100).await, 100, "{order:?}");
            world.callee.now(Does::Answers, FOREVER);
            let deadline = tokio::time::Instant::now() + 50 * MS;
            let result = world.call(Call { deadline, ..Call::read() }).await;
            assert_eq!(result.unwrap_err().unavailable.why, Why::TimedOut, "{order:?}");
            assert!(deadline.elapsed() <= MS, "{order:?}");
            assert_eq!(world.callee.in_flight(), 0, "{order:?}: nothing goes on");
        }
    }
}
