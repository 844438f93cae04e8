//! What the shortener is made of, as data.

use runtime::{
    Accepts, Axis, BackingKind, BackingNeed, Cost, EDGE, Placement, ProcessShape, System, Value, Wiring, axes,
};

/// The URL shortener.
pub static SYSTEM: System = System {
    name: "shortener",
    summary: "Shorten a URL, follow it, see its clicks, delete it.",
    components: &[
        ("links", "turns long URLs into short codes, and codes back into URLs"),
        ("clicks", "counts how often links are followed"),
    ],
    calls: &[(EDGE, &["links", "clicks"])],
    placements: &[
        Placement {
            name: "monolith",
            summary: "one process hosts the edge, links and clicks",
            processes: &[ProcessShape::edge("shortener", &["links", "clicks"])],
        },
        Placement {
            name: "links-apart",
            summary: "links have a process of their own; the edge and clicks share the other",
            processes: &[
                ProcessShape::edge("gateway", &["clicks"]),
                ProcessShape::behind("links", &["links"]),
            ],
        },
        Placement {
            name: "microservices",
            summary: "a gateway with the edge, and a process each for links and clicks",
            processes: &[
                ProcessShape::edge("gateway", &[]),
                ProcessShape::behind("links", &["links"]),
                ProcessShape::behind("clicks", &["clicks"]),
            ],
        },
    ],
    axes: &[
        axes::TRANSPORT,
        axes::DATABASE,
        axes::OWNERSHIP,
        axes::CACHE,
        axes::TIME_TO_LIVE,
        axes::STAMPEDE,
        CODES,
        DISTANCE,
        axes::EVENTS,
        axes::RESILIENCE,
        axes::REPLICAS,
        axes::BALANCING,
        axes::TRACING,
    ],
    costs: &[Cost {
        axis: "events",
        value: "inline",
        operations: &["follow"],
        pays: "waits until its click is written to the store",
        without: "memory",
    }],
    backings,
    keeps: |_, _| false,
    conflict,
    examples: &[
        (
            "shorten",
            r#"curl -i {url}/links -H 'content-type: application/json' -d '{"target":"https://example.com/","alias":"hello"}'"#,
        ),
        ("follow", "curl -i {url}/hello"),
        ("see its clicks", "curl {url}/links/hello"),
        (
            "follow, and leave a trace",
            "curl -i {url}/hello -H 'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'",
        ),
        ("follow it as often as it can be followed", "wrk -t1 -c32 -d20s --latency {url}/hello"),
        ("delete", "curl -i -X DELETE {url}/links/hello"),
        ("the whole API", "curl {url}/openapi.json"),
    ],
    rehearse: None,
};

/// Where a new link's code comes from.
const CODES: Axis = Axis {
    name: "codes",
    summary: "Where does a new link's code come from?",
    values: &[
        Value::new("random", "drawn at random; a collision is met by another draw"),
        Value::new("counter", "a counter in the store, reserved in blocks, scrambled one to one"),
        Value::new("hash", "the first bytes of a SHA-256 of target and request key"),
    ],
    accepts: Accepts::Listed,
};

/// How far away the store is.
const DISTANCE: Axis = Axis {
    name: "distance",
    summary: "How far away is the store of the links?",
    values: &[
        Value::new("near", "as near as it really is"),
        Value::new(
            "far",
            "each read takes 20 ms longer and holds one of 8 connections meanwhile (simulated)",
        ),
    ],
    accepts: Accepts::Listed,
};

fn conflict(wiring: &Wiring) -> Option<String> {
    wiring.nothing_to_copy()
}

fn backings(wiring: &Wiring) -> Vec<BackingNeed> {
    let kind = match wiring.get("database") {
        "postgres" => BackingKind::Postgres,
        _ => BackingKind::Sqlite,
    };
    let database = |role: &str, used_by: &[&'static str]| BackingNeed {
        role: role.to_owned(),
        kind,
        used_by: used_by.to_vec(),
        edge: false,
    };
    let mut needs = match wiring.get("ownership") {
        "per-service" => {
            vec![database("database/links", &["links"]), database("database/clicks", &["clicks"])]
        }
        _ => vec![database("database", &["links", "clicks"])],
    };
    if matches!(wiring.get("cache"), "redis" | "tiered") {
        needs.push(BackingNeed {
            role: "cache".to_owned(),
            kind: BackingKind::Redis,
            used_by: vec!["links"],
            edge: false,
        });
    }
    if wiring.get("events") == "kafka" {
        needs.push(BackingNeed {
            role: "events".to_owned(),
            kind: BackingKind::Kafka,
            used_by: vec!["clicks"],
            edge: true,
        });
    }
    needs
}
