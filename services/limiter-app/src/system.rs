//! What the limiter is made of, as data.

use std::time::Duration;

use design::{
    Arrivals, Backing, Choice as _, DrillWiring, EDGE, Placement, ProcessShape, ReplicaCount, Rules, System,
    Wiring,
    axes::{Balancing, Database, Replicas, Resilience, Tracing, Transport},
};
use limiter::Limit;

use crate::axes::{Algorithm, Keying, OnFailure, State};

/// The rate limiter.
pub static SYSTEM: System = System {
    name: "limiter",
    summary: "May this request pass, now, for this key, under this policy?",
    components: &[
        ("decisions", "decides whether a request passes, by the policies and the counts"),
        ("policies", "keeps which limits apply to whom"),
        ("counts", "keeps what each key has used, where one process does that for all"),
    ],
    calls: &[(EDGE, &["decisions", "policies"]), ("decisions", &["policies", "counts"])],
    placements: &[
        Placement {
            name: "monolith",
            summary: "one process hosts the edge, decisions, policies and counts",
            processes: &[ProcessShape::edge("limiter", &["decisions", "policies", "counts"])],
        },
        Placement {
            name: "microservices",
            summary: "a gateway with the edge, and a process each for decisions and policies",
            processes: &[ProcessShape::edge("gateway", &[]), DECISIONS, POLICIES, COUNTS],
        },
        Placement {
            name: "decisions-apart",
            summary: "decisions have a process of their own; the edge and policies share the other",
            processes: &[ProcessShape::edge("gateway", &["policies"]), DECISIONS, COUNTS],
        },
    ],
    axes: &[
        Algorithm::AXIS,
        State::AXIS,
        OnFailure::AXIS,
        Keying::AXIS,
        Transport::AXIS,
        Database::AXIS,
        Resilience::AXIS,
        Replicas::AXIS,
        Balancing::AXIS,
        Tracing::AXIS,
    ],
    topics: &[],
    backings: &[
        Backing::of::<Database>(&["policies"]),
        Backing::of::<State>(&["decisions"]).called("counts"),
    ],
    examples: &[
        ("ask for what is protected", "curl -i {url}/quotes/1 -H 'authorization: Bearer me'"),
        (
            "ask too often: some are refused, and told when to come back",
            "curl -s -o /dev/null -w '%{http_code}\\n' '{url}/quotes/[1-300]' -H 'authorization: Bearer me' | sort | uniq -c",
        ),
        ("see the policies, and what this wiring promises of them", "curl -i {url}/policies"),
        (
            "put others in force: three in ten seconds",
            r#"curl -i -X PUT {url}/policies -H 'content-type: application/json' -d '{"policies":[{"name":"slow","key":"token","limits":[{"requests":3,"window_ms":10000}]}]}'"#,
        ),
        (
            "ask for a decision alone",
            r#"curl -i {url}/decisions -H 'content-type: application/json' -d '{"facts":{"token":"me"},"cost":2}'"#,
        ),
        ("the whole API", "curl {url}/openapi.json"),
    ],
    rules: &Limiting,
};

const DECISIONS: ProcessShape = ProcessShape::behind("decisions", &["decisions"]);
const POLICIES: ProcessShape = ProcessShape::behind("policies", &["policies"]).replicas(ReplicaCount::One);
/// One process for all replicas: that is its point.
const COUNTS: ProcessShape = ProcessShape::behind("counts", &["counts"])
    .replicas(ReplicaCount::One)
    .only_where(|wiring| wiring.is(State::Service));

/// Counts in each of their places.
const DRILLS: [DrillWiring; 5] = [
    DrillWiring { name: "monolith", values: &[] },
    DrillWiring {
        name: "microservices, local counts",
        values: &[APART, (State::AXIS.name, State::Local.name())],
    },
    DrillWiring {
        name: "microservices, counts apart",
        values: &[APART, (State::AXIS.name, State::Service.name())],
    },
    DrillWiring {
        name: "microservices, counts in redis",
        values: &[APART, (State::AXIS.name, State::Redis.name())],
    },
    DrillWiring {
        name: "two replicas, counts synced",
        values: &[
            APART,
            (State::AXIS.name, State::Synced.name()),
            (Replicas::AXIS.name, Replicas::Two.name()),
        ],
    },
];
const APART: (&str, &str) = ("placement", "microservices");

/// What the limiter says of its wirings.
struct Limiting;

impl Rules for Limiting {
    /// Counts that are not in Redis are in the memory of who decides, or of who counts for all.
    fn keeps(&self, wiring: &Wiring, component: &str) -> bool {
        match wiring.choice() {
            State::Local | State::Synced => component == "decisions",
            State::Service => component == "counts",
            State::Redis => false,
        }
    }

    fn drills(&self) -> &'static [DrillWiring] {
        &DRILLS
    }

    fn conflict(&self, wiring: &Wiring) -> Option<String> {
        let both = wiring.is(State::Synced) && wiring.is(Algorithm::SlidingLog);
        let cannot = "`state=synced` brings counts together, and a `sliding-log` is no count: all of it would have to travel";
        both.then(|| cannot.to_owned()).or_else(|| wiring.nothing_to_copy())
    }

    /// What the algorithm does with arrivals of one client; where several processes count, what one of them does.
    fn rehearse(&self, wiring: &Wiring, arrivals: &Arrivals<'_>) -> Option<Vec<Option<Duration>>> {
        let algorithm = wiring.choice::<Algorithm>().into();
        let limit = Limit::new(arrivals.requests.into(), arrivals.window, None).ok()?;
        Some(limiter::rehearse(algorithm, &limit, arrivals.at))
    }
}
