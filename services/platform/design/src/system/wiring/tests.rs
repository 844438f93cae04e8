//! What a wiring says of itself: its values, its processes, and what it needs.

use super::*;
use crate::{ConsumerGroup, EDGE, NoRules, PathOwner, Rules, TopicShape, axes::Tracing};

crate::axis! {
    /// Where is a cart kept?
    enum Carts = "carts" {
        Memory = "memory" => "in the process that has it",
        Redis = "redis" => "in a Redis server" needs Redis,
    }
}

/// A system that takes some axes of the platform, and has one of its own.
static SHOP: System = System {
    name: "shop",
    summary: "Sells things.",
    components: &[("carts", "keeps what is wanted"), ("orders", "keeps what is bought")],
    calls: &[(EDGE, &["carts", "orders"])],
    placements: &[
        Placement {
            name: "monolith",
            summary: "one process",
            processes: &[ProcessShape::edge("shop", &["carts", "orders"])],
        },
        Placement {
            name: "apart",
            summary: "several",
            processes: &[
                ProcessShape::edge("gateway", &[]),
                ProcessShape::behind("orders", &["orders"]),
                ProcessShape::behind("carts", &["carts"])
                    .only_where(|wiring| wiring.is(Carts::Redis) && wiring.is(Database::Postgres)),
            ],
        },
    ],
    axes: &[Carts::AXIS, Database::AXIS, Ownership::AXIS, Events::AXIS, Replicas::AXIS, Tracing::AXIS],
    topics: &[
        topic("bought", &[EDGE], &[ConsumerGroup { name: "counting", component: "orders" }]),
        topic("changed", &["orders"], &[ConsumerGroup { name: "telling", component: "carts" }]),
    ],
    backings: &[
        Backing::of::<Database>(&["carts", "orders"]),
        Backing::of::<Carts>(&["carts"]).called("wanted"),
    ],
    examples: &[],
    rules: &NoRules,
};

const fn topic(
    name: &'static str,
    publishers: &'static [&'static str],
    groups: &'static [ConsumerGroup],
) -> TopicShape {
    TopicShape { name, summary: "something happened", carries: "lab.shop.v1.Happened", publishers, groups }
}

fn wiring(choices: &[(&str, &str)]) -> Wiring {
    Wiring::with(&SHOP, choices.iter().copied()).expect("known values")
}

/// What a wiring needs, as a table: role, kind, users.
fn needs(choices: &[(&str, &str)]) -> Vec<(String, BackingKind, Vec<&'static str>)> {
    let needs = wiring(choices).backings().into_iter();
    needs.map(|need| (need.role, need.kind, need.used_by)).collect()
}

#[test]
fn a_choice_is_what_was_set_and_the_default_where_nothing_was() {
    let mut wiring = wiring(&[("carts", "redis"), ("tracing", "0.25")]);
    assert!(wiring.is(Carts::Redis) && wiring.is(Database::Sqlite));
    assert_eq!(wiring.choice::<Replicas>(), Replicas::One);
    assert_eq!(wiring.choice::<Tracing>(), Tracing::parse("0.25").expect("a share"));
    assert_eq!(wiring.get("tracing"), "0.25", "it stays as it was written");
    wiring.set("replicas", "4").expect("a known value");
    assert_eq!(wiring.choice::<Replicas>().count(), 4);
}

#[test]
fn an_axis_that_a_system_does_not_take_has_its_default() {
    let mut wiring = wiring(&[]);
    assert!(wiring.is(Cache::None));
    assert_eq!(wiring.get("cache"), "");
    let error = wiring.set("cache", "redis").expect_err("it has no cache");
    assert!(error.to_string().starts_with("`shop` has no axis `cache`\nhint: "), "{error}");
    assert!(wiring.is(Cache::None));
}

#[test]
fn a_value_needs_what_its_axis_says_for_those_who_use_it() {
    let sqlite = ("database".to_owned(), BackingKind::Sqlite, vec!["carts", "orders"]);
    assert_eq!(needs(&[]), std::slice::from_ref(&sqlite));
    let wanted = ("wanted".to_owned(), BackingKind::Redis, vec!["carts"]);
    let events = ("events".to_owned(), BackingKind::Kafka, vec![EDGE, "orders", "carts"]);
    assert_eq!(needs(&[("carts", "redis"), ("events", "kafka")]), [sqlite, wanted, events]);
    let each =
        ["carts", "orders"].map(|user| (format!("database/{user}"), BackingKind::Postgres, vec![user]));
    assert_eq!(needs(&[("database", "postgres"), ("ownership", "per-service")]), each);
}

#[test]
fn a_publisher_hands_its_events_to_who_receives_them_unless_a_log_is_in_between() {
    let told = |events: &str, of: &str| {
        let wiring = wiring(&[("placement", "apart"), ("events", events)]);
        let shape = wiring.processes().find(|process| process.name == of).expect("a process");
        wiring.told_by(shape)
    };
    for events in ["inline", "memory"] {
        assert_eq!(told(events, "orders"), ["carts"], "{events}");
        assert_eq!(told(events, "gateway"), ["orders"], "{events}");
    }
    assert_eq!((told("kafka", "orders"), told("kafka", "gateway")), (Vec::new(), Vec::new()));
}

#[test]
fn a_process_may_depend_on_two_axes() {
    let names = |choices: &[(&str, &str)]| -> Vec<_> {
        let apart = wiring(&[choices, &[("placement", "apart")]].concat());
        apart.processes().map(|process| process.name).collect()
    };
    assert_eq!(names(&[("carts", "redis")]), ["gateway", "orders"]);
    assert_eq!(names(&[("database", "postgres")]), ["gateway", "orders"]);
    assert_eq!(names(&[("carts", "redis"), ("database", "postgres")]), ["gateway", "orders", "carts"]);
}

#[test]
fn a_process_hosts_its_components_and_perhaps_the_edge() {
    let [gateway, orders, _] = SHOP.placements[1].processes else { panic!("three processes") };
    let wiring = wiring(&[("placement", "apart")]);
    assert!(wiring.hosts(gateway, EDGE) && !wiring.hosts(gateway, "orders"));
    assert!(wiring.hosts(orders, "orders") && !wiring.hosts(orders, EDGE) && !wiring.hosts(orders, "carts"));
    assert!(wiring.is_public(gateway) && wiring.serves(gateway, "/carts/7"));
    assert!(!wiring.is_public(orders) && !wiring.serves(orders, "/carts/7"));
    assert_eq!(wiring.paths_of(gateway), [""; 0], "one serves all");
}

/// The same shop, whose processes each serve the paths of their components while carts are in memory.
static STALLS: System = System { rules: &Stalls, ..SHOP };

struct Stalls;

impl Rules for Stalls {
    fn paths(&self, wiring: &Wiring) -> &'static [PathOwner] {
        const PATHS: &[PathOwner] = &[
            PathOwner { prefix: "/carts", component: "carts" },
            PathOwner { prefix: "/carts/{cart}/orders", component: "orders" },
            PathOwner { prefix: "/orders", component: "orders" },
        ];
        if wiring.is(Carts::Redis) { &[] } else { PATHS }
    }
}

#[test]
fn where_each_serves_its_part_a_path_belongs_to_the_owner_of_its_longest_beginning() {
    let [gateway, orders, carts] = STALLS.placements[1].processes else { panic!("three processes") };
    let direct = Wiring::with(&STALLS, [("placement", "apart")]).expect("known values");
    assert!(direct.is_public(orders) && direct.is_public(carts));
    assert_eq!(direct.paths_of(orders), ["/carts/{cart}/orders", "/orders"]);
    for (path, of_orders, of_carts) in [
        ("/orders", true, false),
        ("/orders/{order}/notices", true, false),
        ("/carts/{cart}", false, true),
        ("/carts/{cart}/orders", true, false),
        ("/carts/7/orders/8", true, false),
        ("/carts//orders", false, true),
        ("/cartsandorders", false, false),
        ("/", false, false),
    ] {
        let served = (direct.serves(orders, path), direct.serves(carts, path));
        assert_eq!(served, (of_orders, of_carts), "{path}");
    }
    // Nobody has the whole edge then: neither what it calls nor what it is built on.
    assert!(!direct.is_public(gateway) && !direct.hosts(gateway, EDGE) && !direct.serves(gateway, "/orders"));
    assert!(direct.calls_of(gateway).is_empty() && direct.calls_of(orders).is_empty());
    let behind = Wiring::with(&STALLS, [("placement", "apart"), ("carts", "redis")]).expect("known values");
    assert!(behind.hosts(gateway, EDGE) && behind.is_public(gateway) && !behind.is_public(orders));
}
