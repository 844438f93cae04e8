//! What the cart is made of, as data.

use cart::{STEPS, StepSpec};
use design::{
    Backing, Choice as _, ConsumerGroup, DrillWiring, EDGE, PathOwner, Placement, ProcessShape, Rules,
    SagaStep, System, TopicShape, Wiring,
    axes::{Balancing, Database, Events, Ownership, Replicas, Resilience, Tracing, Transport},
};

use crate::axes::{Checkout, EdgeStyle, Idempotency, Outbox, Provider, Routing, StockStrategy};

/// The cart.
pub static SYSTEM: System = System {
    name: "cart",
    summary: "Browse a catalogue, fill a cart, check out: goods, voucher, payment and order, all of them or none.",
    components: &[
        ("catalog", "knows the products and their prices"),
        ("carts", "keeps what customers put together"),
        ("orders", "runs checkouts, and knows the orders that come of them"),
        ("stock", "keeps the goods: sold, reserved and left"),
        ("vouchers", "knows the discounts, and keeps each within its limits"),
        ("payments", "takes money through a provider, and gives it back"),
        ("notices", "tells customers what happens to their orders"),
    ],
    calls: &[
        (EDGE, &["catalog", "carts", "orders", "stock", "vouchers", "payments", "notices"]),
        ("carts", &["catalog", "vouchers"]),
        ("orders", &["catalog", "carts", "stock", "vouchers", "payments"]),
    ],
    placements: &[
        Placement {
            name: "monolith",
            summary: "one process hosts the edge and all components",
            processes: &[ProcessShape::edge(
                "cart",
                &["catalog", "carts", "orders", "stock", "vouchers", "payments", "notices"],
            )],
        },
        Placement {
            name: "checkout-apart",
            summary: "a process for what customers read and fill, and one for whatever a checkout needs",
            processes: &[
                ProcessShape::edge("shop", &["catalog", "carts", "notices"]),
                ProcessShape::behind("checkout", &["orders", "stock", "vouchers", "payments"]),
            ],
        },
        Placement {
            name: "microservices",
            summary: "a process for each component, and a gateway with the edge unless clients call them directly",
            processes: &[
                ProcessShape::edge("gateway", &[]).only_where(|wiring| wiring.is(Routing::Gateway)),
                ProcessShape::behind("catalog", &["catalog"]),
                ProcessShape::behind("carts", &["carts"]),
                ProcessShape::behind("orders", &["orders"]),
                ProcessShape::behind("stock", &["stock"]),
                ProcessShape::behind("vouchers", &["vouchers"]),
                ProcessShape::behind("payments", &["payments"]),
                ProcessShape::behind("notices", &["notices"]),
            ],
        },
    ],
    axes: &[
        Checkout::AXIS,
        Outbox::AXIS,
        StockStrategy::AXIS,
        Idempotency::AXIS,
        EdgeStyle::AXIS,
        Routing::AXIS,
        Provider::AXIS,
        Transport::AXIS,
        Database::AXIS,
        Ownership::AXIS,
        Events::AXIS,
        Resilience::AXIS,
        Replicas::AXIS,
        Balancing::AXIS,
        Tracing::AXIS,
    ],
    topics: &[
        TopicShape {
            name: "stock-commands",
            summary: "a checkout wants goods kept, given away or taken back",
            carries: "lab.cart.v1.StockCommand",
            publishers: &["orders"],
            groups: &[ConsumerGroup { name: "stock", component: "stock" }],
        },
        TopicShape {
            name: "voucher-commands",
            summary: "a checkout wants a voucher used, or its use given back",
            carries: "lab.cart.v1.VoucherCommand",
            publishers: &["orders"],
            groups: &[ConsumerGroup { name: "vouchers", component: "vouchers" }],
        },
        TopicShape {
            name: "payment-commands",
            summary: "a checkout wants money held, taken or given back",
            carries: "lab.cart.v1.PaymentCommand",
            publishers: &["orders"],
            groups: &[ConsumerGroup { name: "payments", component: "payments" }],
        },
        TopicShape {
            name: "replies",
            summary: "a participant of a checkout replies to a command",
            carries: "lab.cart.v1.SagaReply",
            publishers: &["stock", "vouchers", "payments"],
            groups: &[ConsumerGroup { name: "orders", component: "orders" }],
        },
        TopicShape {
            name: "orders",
            summary: "something happened to an order",
            carries: "lab.cart.v1.OrderEvent",
            publishers: &["orders"],
            groups: &[
                ConsumerGroup { name: "notices", component: "notices" },
                ConsumerGroup { name: "carts", component: "carts" },
            ],
        },
    ],
    backings: &[
        Backing::of::<Database>(&["catalog", "carts", "orders", "stock", "vouchers", "payments", "notices"]),
        Backing::of::<Provider>(&[EDGE, "payments"]),
    ],
    examples: EXAMPLES,
    rules: &Selling,
};

/// A purchase, from an empty shop on.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "offer a product",
        r#"curl -i -X PUT {url}/products/00000000-0000-0000-0000-000000000001 -H 'content-type: application/json' -d '{"name":"Green tea","price":{"minor":500,"currency":"EUR"}}'"#,
    ),
    (
        "take ten of it in",
        r#"curl -i -X PUT {url}/products/00000000-0000-0000-0000-000000000001/deliveries/00000000-0000-0000-0000-000000000002 -H 'content-type: application/json' -d '{"quantity":10}'"#,
    ),
    ("look for it", "curl -i '{url}/products?search=tea'"),
    (
        "open a cart",
        r#"curl -i -X PUT {url}/carts/00000000-0000-0000-0000-000000000003 -H 'content-type: application/json' -d '{"customer":"00000000-0000-0000-0000-000000000004"}'"#,
    ),
    (
        "put two into it",
        r#"curl -i -X PUT {url}/carts/00000000-0000-0000-0000-000000000003/lines/00000000-0000-0000-0000-000000000001 -H 'if-match: "0"' -H 'content-type: application/json' -d '{"quantity":2,"price":{"minor":500,"currency":"EUR"}}'"#,
    ),
    (
        "check out; do it twice, and see that it is done once",
        r#"curl -i {url}/checkouts -H 'idempotency-key: first' -H 'content-type: application/json' -d '{"cart":"00000000-0000-0000-0000-000000000003","version":1,"total":{"minor":1000,"currency":"EUR"},"token":"card-1"}'"#,
    ),
    ("see where the goods are", "curl -i '{url}/stock?products=00000000-0000-0000-0000-000000000001'"),
    ("see which checkouts wait for a person", "curl -i {url}/admin/sagas"),
    ("the whole API", "curl {url}/openapi.json"),
];

/// What the cart says of its wirings.
struct Selling;

impl Rules for Selling {
    fn drills(&self) -> &'static [DrillWiring] {
        &DRILLS
    }

    fn conflict(&self, wiring: &Wiring) -> Option<String> {
        let is_split = wiring.is(Checkout::Transaction) && wiring.is(Ownership::PerService);
        let cannot = "`checkout=transaction` is one transaction over the tables of orders, stock and vouchers, and with \
                      `ownership=per-service` these are in three databases: a checkout across them is a `saga`";
        is_split
            .then(|| cannot.to_owned())
            .or_else(|| cannot_be_direct(wiring).map(str::to_owned))
            .or_else(|| wiring.nothing_to_copy())
    }

    fn paths(&self, wiring: &Wiring) -> &'static [PathOwner] {
        match wiring.choice() {
            Routing::Gateway => &[],
            Routing::Direct => PATHS,
        }
    }

    /// Orders read prices and vouchers for every checkout; what else they call, beside what they command by a topic, depends
    /// on how it is kept whole.
    fn calls(&self, wiring: &Wiring, by: &str, callee: &str) -> bool {
        let checkout = wiring.choice::<Checkout>();
        match (by, callee) {
            ("orders", "stock") => checkout == Checkout::ChargeFirst,
            ("orders", "payments") => matches!(checkout, Checkout::Transaction | Checkout::ChargeFirst),
            _ => true,
        }
    }

    fn saga(&self) -> &'static [SagaStep] {
        &SAGA
    }

    fn provider_script(&self, wiring: &Wiring) -> &'static str {
        match wiring.choice() {
            Provider::Sound => SOUND,
            Provider::Unsound => UNSOUND,
            Provider::Declining => DECLINING,
        }
    }
}

/// Which component each path of the public API is about.
const PATHS: &[PathOwner] = &[
    owned("/products", "catalog"),
    owned("/products/{product}/deliveries", "stock"),
    owned("/stock", "stock"),
    owned("/carts", "carts"),
    owned("/vouchers", "vouchers"),
    owned("/checkouts", "orders"),
    owned("/orders", "orders"),
    owned("/orders/{order}/notices", "notices"),
    owned("/sales", "orders"),
    owned("/admin/sagas", "orders"),
    owned("/admin/books", "payments"),
    owned("/webhooks/provider", "payments"),
];

const fn owned(prefix: &'static str, component: &'static str) -> PathOwner {
    PathOwner { prefix, component }
}

/// Why clients cannot call the processes of a wiring directly, if they would and cannot.
fn cannot_be_direct(wiring: &Wiring) -> Option<&'static str> {
    if wiring.is(Routing::Gateway) {
        None
    } else if wiring.processes().count() == 1 {
        Some(
            "`routing=direct` has clients call the process that replies, and in `monolith` there is one process for all",
        )
    } else if !wiring.is(EdgeStyle::Rest) {
        Some(
            "one query of GraphQL, and one service of gRPC, spans several components, so somebody has to stand before \
             them: `routing=direct` needs `edge=rest`",
        )
    } else if !wiring.is(Replicas::One) {
        Some(
            "with `routing=direct` nobody stands before a process who could balance over its replicas: it needs \
             `replicas=1`",
        )
    } else {
        None
    }
}

/// The steps of the saga, as the logic has them.
static SAGA: [SagaStep; STEPS.len()] = {
    let mut steps = [drawn(&STEPS[0]); STEPS.len()];
    let mut index = 0;
    while index < STEPS.len() {
        steps[index] = drawn(&STEPS[index]);
        index += 1;
    }
    steps
};

const fn drawn(spec: &StepSpec) -> SagaStep {
    let StepSpec { command, participant, compensation, is_pivot, .. } = *spec;
    SagaStep { command, participant, compensation, is_pivot }
}

const SOUND: &str = "latency = { fixed = { ms = 5.0 } }";
const UNSOUND: &str = "
latency = { log-normal = { median_ms = 5.0, p99_ms = 100.0 } }
lost_replies = 0.1
lost_reply_held_ms = 1000
webhooks = { once = 5.0, twice = 1.0, early = 1.0, late = 1.0, out_of_order = 1.0, never = 1.0, late_ms = 2000 }
";
const DECLINING: &str = "
declined = 0.3
latency = { fixed = { ms = 5.0 } }
";

/// Both sound ways to keep a checkout whole, in one database and in several, by every way of events.
const DRILLS: [DrillWiring; 5] = [
    DrillWiring { name: "monolith, sqlite, transaction", values: &[] },
    DrillWiring { name: "monolith, postgres, saga", values: &[IN_POSTGRES, BY_SAGA] },
    DrillWiring { name: "microservices, postgres, transaction", values: &[APART, IN_POSTGRES] },
    DrillWiring {
        name: "microservices, postgres for each, saga",
        values: &[APART, IN_POSTGRES, EACH_ITS_OWN, BY_SAGA],
    },
    DrillWiring {
        name: "microservices, postgres for each, saga over kafka",
        values: &[APART, IN_POSTGRES, EACH_ITS_OWN, BY_SAGA, (Events::AXIS.name, Events::Kafka.name())],
    },
];
const APART: (&str, &str) = ("placement", "microservices");
const IN_POSTGRES: (&str, &str) = (Database::AXIS.name, Database::Postgres.name());
const EACH_ITS_OWN: (&str, &str) = (Ownership::AXIS.name, Ownership::PerService.name());
const BY_SAGA: (&str, &str) = (Checkout::AXIS.name, Checkout::Saga.name());
