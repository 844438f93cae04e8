//! What the echo is made of, as data.

use design::{
    Backing, Choice as _, EDGE, NoRules, Placement, ProcessShape, System,
    axes::{AttemptLimit, Balancing, LayerOrder, Replicas, Resilience, ServerLimit, Tracing, Transport},
};

use crate::axes::Tolls;

/// The echo.
pub static SYSTEM: System = System {
    name: "echo",
    summary: "Say something, hear it again.",
    components: &[("echoes", "says again what it is told")],
    calls: &[(EDGE, &["echoes"])],
    placements: &[
        Placement {
            name: "monolith",
            summary: "one process hosts the edge and echoes",
            processes: &[ProcessShape::edge("echo", &["echoes"])],
        },
        Placement {
            name: "microservices",
            summary: "a gateway with the edge, and a process for echoes",
            processes: &[ProcessShape::edge("gateway", &[]), ProcessShape::behind("echoes", &["echoes"])],
        },
    ],
    axes: &[
        Transport::AXIS,
        Resilience::AXIS,
        LayerOrder::AXIS,
        AttemptLimit::AXIS,
        ServerLimit::AXIS,
        Replicas::AXIS,
        Balancing::AXIS,
        Tracing::AXIS,
        Tolls::AXIS,
    ],
    topics: &[],
    backings: &[Backing::of::<Tolls>(&["echoes"])],
    examples: &[(
        "say something",
        r#"curl -i {url}/echoes -H 'content-type: application/json' -d '{"words":"hello"}'"#,
    )],
    rules: &NoRules,
};
