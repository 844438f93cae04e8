//! What the limiter is made of, as data.

use std::time::Duration;

use design::{
    Accepts, Arrivals, Axis, BackingKind, BackingNeed, Copies, EDGE, Placement, ProcessShape, System, Value,
    Wiring, axes,
};
use limiter::{Algorithm, Limit};

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
        ALGORITHM,
        STATE,
        ON_FAILURE,
        KEYING,
        axes::TRANSPORT,
        axes::DATABASE,
        axes::RESILIENCE,
        axes::REPLICAS,
        axes::BALANCING,
        axes::TRACING,
    ],
    topics: &[],
    costs: &[],
    backings,
    keeps,
    conflict,
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
    rehearse: Some(rehearse),
};

const DECISIONS: ProcessShape = ProcessShape::behind("decisions", &["decisions"]);
const POLICIES: ProcessShape = ProcessShape::behind("policies", &["policies"]).copies(Copies::OneHere);
/// One process for all copies: that is its point.
const COUNTS: ProcessShape =
    ProcessShape::behind("counts", &["counts"]).copies(Copies::OneHere).only_where("state", "service");

/// How requests are counted against a limit.
const ALGORITHM: Axis = Axis {
    name: "algorithm",
    summary: "How are requests counted against a limit?",
    values: &[
        value(Algorithm::Gcra),
        value(Algorithm::TokenBucket),
        value(Algorithm::LeakyBucket),
        value(Algorithm::FixedWindow),
        value(Algorithm::SlidingLog),
        value(Algorithm::SlidingCounter),
    ],
    accepts: Accepts::Listed,
};

const fn value(algorithm: Algorithm) -> Value {
    Value::new(algorithm.name(), algorithm.summary())
}

design::axes! {
    /// Where are the counts kept?
    STATE = "state" {
        "local" => "in each process that decides: several copies admit several times the limit",
        "service" => "in one process that counts for all, a hop away",
        "redis" => "in a Redis server that all share: one script, one round trip",
        "synced" => "in each process, brought together through Redis every 100 ms",
    }

    /// What becomes of a request that nobody can count?
    ON_FAILURE = "on-failure" {
        "open" => "it passes: the limiter is no reason for an outage",
        "closed" => "it is refused: what stands behind is never left without a limit",
    }

    /// Who shares a count?
    KEYING = "keying" {
        "per-client" => "each client has its own, by the policy's key",
        "shared" => "all clients share one"
            but "one client that asks too often uses up what all have",
    }
}

/// Counts that are not in Redis are in the memory of who decides, or of who counts for all.
fn keeps(wiring: &Wiring, component: &str) -> bool {
    match wiring.get("state") {
        "local" | "synced" => component == "decisions",
        "service" => component == "counts",
        _ => false,
    }
}

fn conflict(wiring: &Wiring) -> Option<String> {
    let both = wiring.get("state") == "synced" && wiring.get("algorithm") == "sliding-log";
    let cannot = "`state=synced` brings counts together, and a `sliding-log` is no count: all of it would have to travel";
    both.then(|| cannot.to_owned()).or_else(|| wiring.nothing_to_copy())
}

fn backings(wiring: &Wiring) -> Vec<BackingNeed> {
    let mut needs = BackingNeed::databases(wiring, &["policies"]);
    if matches!(wiring.get("state"), "redis" | "synced") {
        needs.push(BackingNeed::new("counts", BackingKind::Redis, &["decisions"]));
    }
    needs
}

/// What the algorithm does with arrivals of one client; where several processes count, what one of them does.
fn rehearse(wiring: &Wiring, arrivals: &Arrivals<'_>) -> Vec<Option<Duration>> {
    let algorithm = Algorithm::parse(wiring.get("algorithm"));
    let limit = Limit::new(arrivals.requests.into(), arrivals.window, None);
    match (algorithm, limit) {
        (Some(algorithm), Ok(limit)) => limiter::rehearse(algorithm, &limit, arrivals.at),
        _ => Vec::new(),
    }
}
