//! What the shortener is made of, as data.

use design::{
    Backing, Choice as _, ConsumerGroup, Cost, DrillWiring, EDGE, Placement, ProcessShape, Rules, System,
    TopicShape,
    axes::{
        Balancing, Cache, Database, Events, Ownership, Replicas, Resilience, Stampede, TimeToLive, Tracing,
        Transport,
    },
};

use crate::axes::{Codes, Distance};

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
            processes: &[ProcessShape::edge("gateway", &["clicks"]), LINKS],
        },
        Placement {
            name: "microservices",
            summary: "a gateway with the edge, and a process each for links and clicks",
            processes: &[ProcessShape::edge("gateway", &[]), LINKS, CLICKS],
        },
    ],
    axes: &[
        Transport::AXIS,
        Database::AXIS,
        Ownership::AXIS,
        Cache::AXIS,
        TimeToLive::AXIS,
        Stampede::AXIS,
        Codes::AXIS,
        Distance::AXIS,
        Events::AXIS,
        Resilience::AXIS,
        Replicas::AXIS,
        Balancing::AXIS,
        Tracing::AXIS,
    ],
    topics: &[TopicShape {
        name: "clicks",
        summary: "a link was followed",
        carries: "lab.shortener.v1.Clicked",
        publishers: &[EDGE],
        groups: &[ConsumerGroup { name: "tallying", component: "clicks" }],
    }],
    backings: &[Backing::of::<Database>(&["links", "clicks"]), Backing::of::<Cache>(&["links"])],
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
    rules: &Shortening,
};

/// What the shortener says of its wirings.
struct Shortening;

impl Rules for Shortening {
    fn costs(&self) -> &'static [Cost] {
        &[INLINE_CLICKS]
    }

    fn drills(&self) -> &'static [DrillWiring] {
        &DRILLS
    }
}

/// Each store once, and each way of a click once.
const DRILLS: [DrillWiring; 5] = [
    DrillWiring { name: "monolith, sqlite", values: &[] },
    DrillWiring { name: "microservices, postgres", values: &[APART, IN_POSTGRES] },
    DrillWiring {
        name: "microservices, redis cache",
        values: &[APART, IN_POSTGRES, (Cache::AXIS.name, Cache::Redis.name())],
    },
    DrillWiring {
        name: "microservices, kafka events",
        values: &[APART, IN_POSTGRES, (Events::AXIS.name, Events::Kafka.name())],
    },
    DrillWiring {
        name: "microservices, memory events",
        values: &[APART, (Events::AXIS.name, Events::Memory.name())],
    },
];
const APART: (&str, &str) = ("placement", "microservices");
const IN_POSTGRES: (&str, &str) = (Database::AXIS.name, Database::Postgres.name());

const INLINE_CLICKS: Cost = Cost {
    axis: Events::AXIS.name,
    value: Events::Inline.name(),
    operations: &["follow"],
    pays: "waits until its click is written to the store",
    without: Events::Memory.name(),
};

const LINKS: ProcessShape = ProcessShape::behind("links", &["links"]);
const CLICKS: ProcessShape = ProcessShape::behind("clicks", &["clicks"]);
