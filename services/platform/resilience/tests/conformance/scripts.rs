//! Seeded scripts: hundreds of calls with drawn outcomes, delays and cancellations, against each breaker.

use std::time::Duration;

use contract::Why;
use resilience::Random;

use crate::{
    Expected::{Fails, Passes},
    Verdict, ensure, judge, naive,
    subjects::{CAP, OPEN, PROBE_LIMIT, PROBES, SLOW, breaker_settings, our_breaker},
    theirs,
    world::{Call, Callee, Caller, Does, FOREVER, MS, Wall, World},
};

const STEPS: usize = 300;

/// Draws one of these, each as often as it says.
fn draw<T: Clone>(random: &Random, weighted: &[(usize, T)]) -> T {
    let all: usize = weighted.iter().map(|(weight, _)| weight).sum();
    let mut left = (random.unit() * all as f64) as usize;
    for (weight, value) in weighted {
        if left < *weight {
            return value.clone();
        }
        left -= weight;
    }
    weighted[0].1.clone()
}

/// Whatever happens, once the callee is well every call passes within the bound; and when it fails for good, only
/// probes reach it.
async fn script(world: &World, seed: u64) -> Verdict {
    let random = Random::new(seed);
    let mut calls = Vec::new();
    for _ in 0..STEPS {
        let does = draw(
            &random,
            &[
                (4, Does::Answers),
                (4, Does::fails(Why::Broken)),
                (1, Does::fails(Why::Overloaded)),
                (1, Does::fails(Why::Misunderstood)),
                (1, Does::fails(Why::Rejected)),
            ],
        );
        let takes = draw(&random, &[(6, Duration::ZERO), (2, 5 * MS), (1, SLOW), (1, FOREVER)]);
        world.callee.now(does, takes);
        calls.extend(world.spawn_all(draw(&random, &[(6, 1), (2, 3), (1, 10)])).await);
        match draw(&random, &[(6, 0), (2, 1), (2, 2)]) {
            0 => {}
            1 => {
                let which = (random.unit() * calls.len() as f64) as usize;
                let call: tokio::task::JoinHandle<_> = calls.swap_remove(which);
                call.abort();
                let _ = call.await;
            }
            _ => world.pass(draw(&random, &[(4, MS), (2, 20 * MS), (1, OPEN)])).await,
        }
    }
    // Nobody waits for the calls that hang, and nobody ends them.
    world.callee.now(Does::Answers, Duration::ZERO);
    let bound = PROBE_LIMIT + 2 * CAP;
    let mut in_a_row = 0;
    for _ in 0..bound.as_millis() / 10 {
        in_a_row = if world.call(Call::read()).await.is_ok() { in_a_row + 1 } else { 0 };
        world.pass(10 * MS).await;
    }
    ensure!(
        in_a_row > 2 * PROBES,
        "seed {seed}: {in_a_row} calls in a row pass, long after the callee is well"
    );
    world.callee.now(Does::fails(Why::Broken), Duration::ZERO);
    world.reads(100).await;
    world.pass(CAP).await;
    world.callee.now(Does::fails(Why::Broken), 5 * MS);
    let before = world.callee.arrivals();
    world.spawn_all(50).await;
    let probes = world.callee.arrivals() - before;
    ensure!((1..=PROBES).contains(&probes), "seed {seed}: {probes} probes of {PROBES}");
    Ok(())
}

/// The seeds at which a breaker fails, and the first of what was found.
async fn failing(seeds: u64, is_real: bool, protect: impl Fn(Callee, Wall) -> Caller) -> Verdict {
    let mut found = Vec::new();
    for seed in 0..seeds {
        let world = World::new(is_real, &protect);
        found.extend(script(&world, seed).await.err());
    }
    ensure!(found.is_empty(), "{} of {seeds} scripts: {}", found.len(), found[0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_it_recovers_and_lets_only_probes_through() {
    let check = "seeded scripts";
    let settings = breaker_settings();
    judge(check, "ours", &failing(100, false, |callee, _| our_breaker(settings, callee)).await, Passes);
    let naive = failing(10, false, |callee, wall| naive::breaker(settings, callee, wall)).await;
    judge(check, "naive", &naive, Fails);
    // Its clock is the machine's, which takes its time.
    let theirs = failing(1, true, |callee, _| theirs::breaker(settings, callee)).await;
    judge(check, "tower-resilience", &theirs, Fails);
}
