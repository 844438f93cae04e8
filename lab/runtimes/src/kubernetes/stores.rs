//! The addresses of a wiring's stores, which are outside of it.

use design::BackingKind;
use scenario::plan::ProcessPlan;
use serde::Serialize;

use super::{Export, provider};
use crate::provider::PORT;

/// The values of a kind of store for templates.
#[derive(Serialize)]
pub(super) struct Store {
    kind: &'static str,
    port: u16,
    /// The databases of a PostgreSQL server.
    databases: Vec<String>,
}

/// The stores of a wiring, each kind once.
pub(super) fn all(export: &Export<'_>) -> Vec<Store> {
    let mut kinds: Vec<_> = export.arm.backings.iter().map(|need| need.kind).collect();
    // The provider runs in the cluster.
    kinds.retain(|kind| *kind != BackingKind::Provider);
    kinds.sort();
    kinds.dedup();
    let store = |kind: BackingKind| {
        let databases = match kind {
            BackingKind::Postgres => roles(export, kind).map(|role| database(export, role)).collect(),
            _ => Vec::new(),
        };
        Store { kind: kind.name(), port: port(kind), databases }
    };
    kinds.into_iter().map(store).collect()
}

fn roles<'a>(export: &'a Export<'_>, kind: BackingKind) -> impl Iterator<Item = &'a str> {
    export.arm.backings.iter().filter(move |need| need.kind == kind).map(|need| need.role.as_str())
}

/// The address of a role's store, for a process. It has no password: PostgreSQL's comes from the environment.
pub(super) fn address(export: &Export<'_>, process: &ProcessPlan, kind: BackingKind, role: &str) -> String {
    let host = format!("{}:{}", export.name(kind.name()), port(kind));
    match kind {
        BackingKind::Postgres => format!("postgres://lab@{host}/{}", database(export, role)),
        BackingKind::Redis => format!("redis://{host}#{}-{}", export.system(), export.wiring),
        BackingKind::Kafka => format!("kafka://{host}"),
        BackingKind::Provider => provider::address(export, process),
        BackingKind::Sqlite => unreachable!("a wiring with files is refused"),
    }
}

/// A role's database: `database/links` of `microservices` is `shortener_microservices_links`.
fn database(export: &Export<'_>, role: &str) -> String {
    let own = role.split_once('/').map(|(_, component)| format!("_{component}")).unwrap_or_default();
    format!("{}_{}{own}", export.system(), export.wiring.replace('-', "_"))
}

/// The standard port of a kind of store.
pub(super) fn port(kind: BackingKind) -> u16 {
    match kind {
        BackingKind::Postgres => 5432,
        BackingKind::Redis => 6379,
        BackingKind::Kafka => 9092,
        BackingKind::Provider => PORT,
        BackingKind::Sqlite => unreachable!("a wiring with files is refused"),
    }
}
