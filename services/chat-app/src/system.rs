//! What the chat is made of, as data.

use design::{
    Backing, Choice as _, DrillWiring, EDGE, Placement, ProcessShape, ReplicaCount, Rules, System, Wiring,
    axes::{Balancing, Database, Ownership, Replicas, Resilience, Tracing, Transport},
};

use crate::axes::{Fanout, Recovery, Sessions, SlowConsumer, Write};

/// The chat.
pub static SYSTEM: System = System {
    name: "chat",
    summary: "Rooms, and messages that reach every member once and in order, also those who were away.",
    components: &[
        ("rooms", "knows the rooms and who belongs to them"),
        ("messages", "keeps the log of each room, in one sequence without holes"),
        ("presence", "knows who is online"),
        ("delivery", "passes records on to the connections of its process"),
    ],
    calls: &[
        (EDGE, &["rooms", "messages", "presence"]),
        ("rooms", &["messages"]),
        ("messages", &["delivery"]),
        ("delivery", &["messages"]),
    ],
    placements: &[
        Placement {
            name: "monolith",
            summary: "one process hosts the edge and all components",
            processes: &[ProcessShape::edge("chat", &["rooms", "messages", "presence", "delivery"])],
        },
        Placement {
            name: "microservices",
            summary: "gateways with the edge and the connections, and processes for rooms, messages and presence",
            processes: &[
                ProcessShape::edge("gateway", &["delivery"]).replicas(ReplicaCount::ByAxis),
                ProcessShape::behind("rooms", &["rooms"]),
                ProcessShape::behind("messages", &["messages"]),
                ProcessShape::behind("presence", &["presence"]).replicas(ReplicaCount::One),
            ],
        },
    ],
    axes: &[
        Fanout::AXIS,
        Sessions::AXIS,
        SlowConsumer::AXIS,
        Write::AXIS,
        Recovery::AXIS,
        Transport::AXIS,
        Database::AXIS,
        Ownership::AXIS,
        Resilience::AXIS,
        Replicas::AXIS,
        Balancing::AXIS,
        Tracing::AXIS,
    ],
    topics: &[],
    backings: &[
        Backing::of::<Database>(&["rooms", "messages", "presence"]),
        Backing::of::<Fanout>(&["messages", "delivery"]),
    ],
    examples: EXAMPLES,
    rules: &Chatting,
};

/// A room, and what is said in it.
const EXAMPLES: &[(&str, &str)] = &[
    ("see it in a browser: two windows, two people", "xdg-open {url}/"),
    (
        "be somebody",
        r#"TOKEN=$(curl -s {url}/tokens -H 'content-type: application/json' -d '{"user":"ann"}' | sed 's/.*"token":"\([^"]*\)".*/\1/')"#,
    ),
    (
        "make a room",
        r#"curl -i {url}/rooms -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"id":"00000000-0000-0000-0000-000000000001","name":"Tea"}'"#,
    ),
    (
        "let somebody else in",
        r#"curl -i {url}/rooms/00000000-0000-0000-0000-000000000001/members -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"users":["bob"],"role":"member"}'"#,
    ),
    (
        "say something; do it twice, and see that it is said once",
        r#"curl -i {url}/rooms/00000000-0000-0000-0000-000000000001/messages -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"id":"00000000-0000-0000-0000-000000000002","text":"hello"}'"#,
    ),
    (
        "read what was said",
        r#"curl -i {url}/rooms/00000000-0000-0000-0000-000000000001/messages -H "authorization: Bearer $TOKEN""#,
    ),
    ("the whole API", "curl {url}/openapi.json"),
    ("what the socket says and takes", "curl {url}/asyncapi.json"),
];

/// What the chat says of its wirings.
struct Chatting;

impl Rules for Chatting {
    fn drills(&self) -> &'static [DrillWiring] {
        &DRILLS
    }

    /// With `fanout=process` records reach the connections of one process.
    fn keeps(&self, wiring: &Wiring, component: &str) -> bool {
        component == "delivery" && wiring.is(Fanout::Process)
    }

    /// A record reaches the connections by a call only where one process has all of them.
    fn calls(&self, wiring: &Wiring, by: &str, callee: &str) -> bool {
        match (by, callee) {
            ("messages", "delivery") => wiring.is(Fanout::Process),
            _ => true,
        }
    }

    fn conflict(&self, wiring: &Wiring) -> Option<String> {
        let is_called = wiring.is(Fanout::Process) && !wiring.is(Replicas::One);
        let cannot = "with `fanout=process` a record reaches the connections of one process, and with several `replicas` \
                      there are several gateways: they need `fanout=redis` or `fanout=kafka`";
        wiring.nothing_to_copy().or_else(|| is_called.then(|| cannot.to_owned()))
    }
}

/// Records on each of their ways, and what each of the negative controls of a crash does.
const DRILLS: [DrillWiring; 6] = [
    DrillWiring { name: "monolith, sqlite", values: &[] },
    DrillWiring { name: "microservices, postgres", values: &[APART, IN_POSTGRES] },
    DrillWiring { name: "two gateways, redis", values: &[APART, IN_POSTGRES, BY_REDIS, TWICE] },
    DrillWiring {
        name: "two gateways, kafka",
        values: &[APART, IN_POSTGRES, (Fanout::AXIS.name, Fanout::Kafka.name()), TWICE],
    },
    DrillWiring {
        name: "two gateways, no recovery",
        values: &[APART, IN_POSTGRES, BY_REDIS, TWICE, (Recovery::AXIS.name, Recovery::None.name())],
    },
    DrillWiring {
        name: "microservices, delivered first",
        values: &[APART, IN_POSTGRES, (Write::AXIS.name, Write::DeliverThenStore.name())],
    },
];
const BY_REDIS: (&str, &str) = (Fanout::AXIS.name, Fanout::Redis.name());
const TWICE: (&str, &str) = (Replicas::AXIS.name, Replicas::Two.name());
const APART: (&str, &str) = ("placement", "microservices");
const IN_POSTGRES: (&str, &str) = (Database::AXIS.name, Database::Postgres.name());
