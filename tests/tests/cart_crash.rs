//! The crash matrix of the cart: its processes end at every point between two effects, in every durable wiring, and are
//! started again; nothing may be lost or doubled, by the ledger. The negative controls lose.
//!
//! In CI each point is tried in one wiring, the next point in the next one. `LAB_TEST_LONG=1` tries all in all, and sends a
//! hundred times as many checkouts while processes are killed at random.

#![expect(clippy::unwrap_used, reason = "a test fails where what it expects is not there")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use cart_app::{
    axes::Checkout,
    failpoints::{POINTS, Point},
};
use design::{BackingKind, Limits, Wiring};
use load::journeys::cart::facts;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use runtimes::launch::Launch;
use scenario::{
    Fault, FaultKind, ProcessName, Target,
    plan::{ArmPlan, ProcessPlan},
};
use system_tests::{
    cart_suite,
    crashes::{Crashing, Found, Load},
    tree::read,
    wirings::Wirings,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_hosted");

/// The wirings of the cart; this program is every service process. A busy machine reaches no time limit; and as a claim on a
/// key lasts as long as its request may take, none of them is long.
fn cart() -> Wirings {
    let limits = Limits { request_ms: 8_000, attempt_ms: 6_000, ..Limits::default() };
    Wirings::of("cart", PROGRAM).with_limits(limits)
}

/// Held by each test that starts wirings: together they would want more connections than a PostgreSQL server gives. A process
/// takes 16 for each of its stores, and a server gives 100 to 300.
static ALONE: Mutex<()> = Mutex::new(());

/// Calls `work` with each of these wirings, while no other test of this file has any.
fn with_each(arms: &[ArmPlan], work: impl Fn(&mut Launch) + Sync) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    cart().with_each(arms, work);
}

/// Whether this is the long mode of the gate.
#[expect(clippy::disallowed_methods, reason = "a test's own configuration")]
fn is_long() -> bool {
    std::env::var("LAB_TEST_LONG").is_ok()
}

fn arm(label: &str, choices: &[(&str, &str)]) -> ArmPlan {
    ArmPlan::new(label.to_owned(), Wiring::with(cart().system, choices.iter().copied()).unwrap())
}

const APART: (&str, &str) = ("placement", "microservices");
const HALVED: (&str, &str) = ("placement", "checkout-apart");
const IN_POSTGRES: (&str, &str) = ("database", "postgres");
const EACH_ITS_OWN: (&str, &str) = ("ownership", "per-service");
const BY_SAGA: (&str, &str) = ("checkout", "saga");
const BY_KAFKA: (&str, &str) = ("events", "kafka");

/// The wirings that promise to lose nothing when a process is killed. `events=memory` does not.
fn durable() -> [ArmPlan; 8] {
    [
        arm("transaction, sqlite", &[]),
        arm("saga, sqlite", &[BY_SAGA]),
        arm("transaction, postgres", &[IN_POSTGRES]),
        arm("saga, postgres", &[IN_POSTGRES, BY_SAGA]),
        arm("transaction, apart", &[APART, IN_POSTGRES]),
        arm("saga, apart", &[APART, IN_POSTGRES, EACH_ITS_OWN, BY_SAGA]),
        arm("transaction, apart, kafka", &[APART, IN_POSTGRES, BY_KAFKA]),
        arm("saga, apart, kafka", &[APART, IN_POSTGRES, EACH_ITS_OWN, BY_SAGA, BY_KAFKA]),
    ]
}

/// Whether a wiring comes to this point.
fn has(arm: &ArmPlan, point: &Point) -> bool {
    point.only.is_none_or(|checkout| arm.wiring.is(checkout))
}

/// The points that are tried in the wiring with this index.
fn tried(arms: &[ArmPlan], nth: usize) -> Vec<(usize, Point)> {
    let with =
        |point: &Point| -> Vec<usize> { (0..arms.len()).filter(|arm| has(&arms[*arm], point)).collect() };
    let is_tried = |(index, point): &(usize, Point)| {
        let with = with(point);
        if is_long() { with.contains(&nth) } else { with[index % with.len()] == nth }
    };
    POINTS.iter().copied().enumerate().filter(is_tried).collect()
}

/// Who has to be away for the point to be reached: for a timer who is asked for a reply.
fn away(point: &Point) -> Option<BackingKind> {
    (point.name == "timer.resent").then_some(BackingKind::Provider)
}

/// Customers of the shop, for some seconds.
const SHOP: Load = Load { system: "cart", mix: "shop", few: Some(100), rate: 15, seconds: 4, seed: 0 };

/// A load that comes to the point.
fn load(point: &Point, seed: usize) -> Load {
    let shop = Load { seed, ..SHOP };
    match point.name.split(['.', '-']).next() {
        Some("voucher") => Load { mix: "vouchers", ..shop },
        Some("refusal") => Load { mix: "vouchers", few: Some(5), ..shop },
        _ => shop,
    }
}

/// Whether nothing is lost, doubled or wrong, every checkout has a reply, and none waits for a person.
fn is_whole(found: &Found) -> bool {
    let open = [facts::CHECKOUTS_INDETERMINATE, facts::ORDERS_PARKED];
    found.is_whole() && open.iter().all(|fact| found.count(fact) == 0)
}

/// The result of each point in each wiring in which it was tried.
type Cells = BTreeMap<(usize, String), Result<Found, String>>;

#[test]
fn a_process_that_ends_at_any_point_loses_nothing_and_does_nothing_twice() {
    let (arms, cells) = (durable(), Mutex::new(Cells::new()));
    let all: BTreeSet<usize> =
        (0..arms.len()).flat_map(|nth| tried(&arms, nth)).map(|(index, _)| index).collect();
    assert_eq!(all.len(), POINTS.len(), "each point is tried in some wiring");
    let matrix = |launch: &mut Launch| {
        let name = launch.arms[0].name.clone();
        let nth = arms.iter().position(|arm| arm.name == name).unwrap();
        let mut crashing = Crashing::new(launch, PROGRAM);
        for (index, point) in tried(&arms, nth) {
            let found = crashing.crash_beside(&[point.name], &load(&point, index), away(&point));
            let word = found.as_ref().map_or_else(Clone::clone, ToString::to_string);
            println!("{name}, {}: {word}", point.name);
            cells.lock().unwrap().insert((index, name.clone()), found);
        }
    };
    // Those in many processes two at a time.
    for some in [&arms[..4], &arms[4..6], &arms[6..]] {
        with_each(some, matrix);
    }
    let cells = cells.into_inner().unwrap();
    let table = table(&arms, &cells);
    println!("{table}");
    assert!(cells.values().all(|found| found.as_ref().is_ok_and(is_whole)), "{table}");
}

/// The cells as a table of Markdown, and what is wrong below it.
fn table(arms: &[ArmPlan], cells: &Cells) -> String {
    let names: Vec<_> = arms.iter().map(|arm| arm.name.as_str()).collect();
    let mut text = format!("\n| point | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(arms.len()));
    let mut wrong = String::new();
    for (index, point) in POINTS.iter().enumerate() {
        let _ = write!(text, "| `{}` |", point.name);
        for name in &names {
            let word = match cells.get(&(index, (*name).to_owned())) {
                None => String::new(),
                Some(Ok(found)) if is_whole(found) => {
                    format!("{} lost, {} doubled", found.breaches[0], found.breaches[1])
                }
                Some(Ok(found)) => {
                    let _ = writeln!(wrong, "{} in {name}: {found}", point.name);
                    "BROKEN".to_owned()
                }
                Some(Err(why)) => {
                    let _ = writeln!(wrong, "{} in {name}: {why}", point.name);
                    "FAILED".to_owned()
                }
            };
            let _ = write!(text, " {word} |");
        }
        text.push('\n');
    }
    text + &wrong
}

#[test]
fn the_controls_lose_where_they_must() {
    const BEHIND_THE_COMMIT: &str = "checkout.committed";
    let arms = [
        arm("dual-write", &[("checkout", "dual-write")]),
        arm("charge-first", &[("checkout", "charge-first")]),
        arm("no-relay", &[HALVED, BY_SAGA, ("outbox", "no-relay")]),
        arm("relayed", &[HALVED, BY_SAGA]),
    ];
    with_each(&arms, |launch| {
        let name = launch.arms[0].name.clone();
        let mut crashing = Crashing::new(launch, PROGRAM);
        match &*name {
            // Nobody sends the command again, and nobody looks for the order that waits.
            "dual-write" => {
                let found = crashing.crash(&[BEHIND_THE_COMMIT], &SHOP).unwrap();
                assert!(found.count(facts::ORDERS_STUCK) > 0, "{found}");
            }
            // While one is down, others buy what is left: it has charged, and finds nothing.
            "charge-first" => {
                let sale = Load { mix: "flash-sale", few: Some(5), ..SHOP };
                let found = crashing.crash(&["stock.uncommitted"], &sale).unwrap();
                assert!(found.count(facts::PAID_FOR_NOTHING) > 0, "{found}");
            }
            // That the order was made is published once or, with its process, never.
            "no-relay" => assert_eq!(told(&mut crashing, BEHIND_THE_COMMIT), ["paid"]),
            _ => assert_eq!(told(&mut crashing, BEHIND_THE_COMMIT), ["made", "paid"]),
        }
    });
}

/// What a customer is told of an order whose process ends at this point.
fn told(crashing: &mut Crashing<'_>, point: &str) -> Vec<&'static str> {
    let address = crashing.launch().arms[0].public;
    crashing.arm(point);
    let told = std::thread::scope(|scope| {
        let buying = scope.spawn(move || cart_suite::told_of_a_purchase(&cart_suite::client(address)));
        while !buying.is_finished() {
            crashing.restart_ended();
            std::thread::sleep(Duration::from_millis(20));
        }
        buying.join().unwrap()
    });
    assert_eq!(crashing.ended.len(), 1, "{:?}", crashing.ended);
    told
}

/// Checkouts a second.
const RATE: u32 = 40;
/// The pause between two kills, in milliseconds: long enough that a relay's lease ends in most of them.
const PAUSES: std::ops::Range<u64> = 4_000..16_000;
/// How long a process stays down.
const DOWN: Duration = Duration::from_millis(300);

#[test]
fn random_kills_lose_nothing_and_double_nothing() {
    let arms = [
        arm("transaction", &[HALVED, IN_POSTGRES]),
        arm("saga", &[HALVED, IN_POSTGRES, EACH_ITS_OWN, BY_SAGA]),
    ];
    with_each(&arms, |launch| {
        let arm = arms.iter().find(|arm| arm.name == launch.arms[0].name).unwrap();
        let mut crashing = Crashing::new(launch, PROGRAM);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
        let (mut acknowledged, mut kills) = (0, 0);
        // What comes while a process is down is not acknowledged, so that it takes more than one load.
        for seed in 0.. {
            let seconds = wanted().saturating_sub(acknowledged).div_ceil(u64::from(RATE)).max(10);
            let load =
                Load { few: Some(1), rate: RATE, seconds: u32::try_from(seconds).unwrap(), seed, ..SHOP };
            let mut due = Duration::from_millis(random.random_range(PAUSES));
            let found = crashing.load(&load, |crashing, elapsed| {
                if elapsed >= due && elapsed.as_secs() < seconds {
                    kill(crashing, &arm.processes[random.random_range(0..arm.processes.len())]);
                    kills += 1;
                    due = elapsed + Duration::from_millis(random.random_range(PAUSES));
                }
            });
            assert!(is_whole(&found), "after {kills} kills: {found}");
            acknowledged += found.count(facts::ACKNOWLEDGED);
            if acknowledged >= wanted() {
                break;
            }
        }
        println!("{}: {acknowledged} checkouts and {kills} kills: nothing lost, nothing doubled", arm.name);
        assert!(kills > 0, "nothing was killed");
        assert_eq!(crashing.ended, [""; 0], "nothing ended but what was killed");
    });
}

/// How many checkouts have to be acknowledged.
fn wanted() -> u64 {
    if is_long() { 100_000 } else { 1_000 }
}

/// Kills a process as `lab fault` does it, and starts it again.
fn kill(crashing: &Crashing<'_>, process: &ProcessPlan) {
    let target = Target::Process(ProcessName { shape: process.shape, replica: None });
    let fault = Fault { at: Duration::ZERO, lasts: DOWN, what: FaultKind::Kill, target };
    let victim = crashing.launch().arms[0].runtime.victim(&fault).unwrap().unwrap();
    victim.begin().unwrap();
    victim.complete().unwrap();
    std::thread::sleep(DOWN);
    victim.end().unwrap();
}

#[test]
fn the_document_lists_each_point() {
    let document = read("docs/systems/cart.md");
    let section = document.split("\n## Crash matrix\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let listed: Vec<_> = section.lines().filter(|line| line.starts_with("| `")).collect();
    let row = |point: &Point| {
        let only = point.only.map_or("each", |checkout| match checkout {
            Checkout::Transaction => "`transaction`",
            _ => "`saga`",
        });
        format!("| `{}` | {only} | {} |", point.name, point.between)
    };
    assert_eq!(listed, POINTS.iter().map(row).collect::<Vec<_>>());
}
