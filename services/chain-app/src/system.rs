//! What the chain is made of, as data.

use design::{
    Choice as _, EDGE, Limits, Placement, ProcessShape, ReplicaCount, Rules, System, Wiring,
    axes::{AttemptLimit, Balancing, LayerOrder, Replicas, Resilience, ServerLimit, Tracing, Transport},
};

use crate::{
    axes::{Depth, Fanout, Queue, Work},
    capacity::Capacity,
};

/// The chain.
pub static SYSTEM: System = System {
    name: "chain",
    summary: "Services that call one another, each a stand-in for one whose capacity is set by something scarce.",
    components: &[
        ("front", "asks `middle` for parts, where the chain is three deep"),
        ("middle", "asks `back` for parts, where the chain is two or three deep"),
        ("back", "makes the parts of pages, as many a second as it has workers for"),
        ("reviews", "gives what readers said of a page, which no page needs"),
    ],
    calls: &[(EDGE, &["front", "middle", "back", "reviews"]), ("front", &["middle"]), ("middle", &["back"])],
    placements: &[
        Placement {
            name: "monolith",
            summary: "one process hosts the edge and all components",
            processes: &[ProcessShape::edge("chain", &["front", "middle", "back", "reviews"])],
        },
        Placement {
            name: "microservices",
            summary: "a gateway with the edge, and a process for each component",
            processes: &[ProcessShape::edge("gateway", &[]), FRONT, MIDDLE, BACK, REVIEWS],
        },
    ],
    axes: &[
        Depth::AXIS,
        Fanout::AXIS,
        Queue::AXIS,
        Work::AXIS,
        Transport::AXIS,
        Resilience::AXIS,
        LayerOrder::AXIS,
        AttemptLimit::AXIS,
        ServerLimit::AXIS,
        Replicas::AXIS,
        Balancing::AXIS,
        Tracing::AXIS,
    ],
    topics: &[],
    backings: &[],
    examples: &[
        ("ask for a page", "curl -i {url}/pages/1"),
        ("see how many parts a page has", "curl -i {url}/pages"),
        ("ask for what readers said of it", "curl -i {url}/pages/1/reviews"),
        ("ask for a preview, which an overloaded process refuses first", "curl -i {url}/pages/1/preview"),
        (
            "ask for more than there is capacity for",
            "curl -s -o /dev/null -w '%{http_code}\\n' --parallel --parallel-max 100 '{url}/pages/[1-300]' | sort | uniq -c",
        ),
    ],
    rules: &Chained,
};

const FRONT: ProcessShape = ProcessShape::behind("front", &["front"])
    .replicas(ReplicaCount::One)
    .only_where(|wiring| wiring.is(Depth::Three));
const MIDDLE: ProcessShape = ProcessShape::behind("middle", &["middle"])
    .replicas(ReplicaCount::One)
    .only_where(|wiring| !wiring.is(Depth::One));
const BACK: ProcessShape = ProcessShape::behind("back", &["back"]);
const REVIEWS: ProcessShape = ProcessShape::behind("reviews", &["reviews"]).replicas(ReplicaCount::One);

/// Requests in flight at the edge: few enough for a load of some hundred a second to fill it, and more than `back` can
/// serve before its callers give up.
const AT_THE_EDGE: usize = 256;

/// What the chain says of its wirings.
struct Chained;

impl Rules for Chained {
    /// The edge asks the first of the chain, and each asks the next.
    fn calls(&self, wiring: &Wiring, by: &str, callee: &str) -> bool {
        let first = match wiring.choice() {
            Depth::One => "back",
            Depth::Two => "middle",
            Depth::Three => "front",
        };
        by != EDGE || callee == first || callee == "reviews"
    }

    /// The process of `back` takes as many requests at once as its workers and their line, and no more: a server's
    /// limit is what it can do in time. A page is as many calls as it has parts, so a bulkhead has room for as many
    /// pages as elsewhere for calls: a quarter of the requests in flight.
    fn limits(&self, wiring: &Wiring, process: &ProcessShape, limits: Limits) -> Limits {
        let in_flight = if process.edge { limits.in_flight.min(AT_THE_EDGE) } else { limits.in_flight };
        let parts = wiring.choice::<Fanout>().parts() as usize;
        let limits = Limits { in_flight, bulkhead: in_flight / 4 * parts, ..limits };
        if process.components != ["back"] || wiring.is(Queue::Unbounded) {
            return limits;
        }
        let capacity = Capacity::of_back(wiring.choice::<Work>(), Queue::Bounded);
        Limits { in_flight: limits.in_flight.min(capacity.in_flight()), ..limits }
    }
}
