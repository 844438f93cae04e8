//! Where a wiring's stores are: names that lead out of it.

use runtime::BackingKind;

use super::Export;

/// A service for each kind of store, which leads to wherever that is.
pub(super) fn text(export: &Export<'_>) -> String {
    let services: Vec<_> = export.stores().into_iter().map(|kind| service(export, kind)).collect();
    format!(
        "\
# Where the stores of `{wiring}` are: change `externalName` to yours. The lab runs none in a cluster, because who runs
# them there has an operator or a provider for it.
# Two wirings may share a PostgreSQL server (each has databases of its own) and a Redis (each has a prefix of keys),
# but not a Kafka: they would read each other's events.
{services}",
        wiring = export.wiring,
        services = services.join("---\n"),
    )
}

fn service(export: &Export<'_>, kind: BackingKind) -> String {
    format!(
        "\
{about}apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels:
{labels}
spec:
  type: ExternalName
  externalName: {kind}.stores.svc.cluster.local
",
        about = about(export, kind),
        name = export.name(kind.name()),
        labels = export.labels(kind.name(), 4),
        kind = kind.name(),
    )
}

/// What a store of that kind has to offer.
fn about(export: &Export<'_>, kind: BackingKind) -> String {
    match kind {
        BackingKind::Postgres => {
            let databases: Vec<_> = roles(export, kind).map(|role| database(export, role)).collect();
            format!(
                "# The user `lab` owns the databases `{}`; its password is in the secret `{}`, which you make.\n",
                databases.join("`, `"),
                export.name(kind.name()),
            )
        }
        BackingKind::Kafka => {
            "# Only the first question goes here: the brokers' advertised addresses have to be reachable as well.\n"
                .to_owned()
        }
        BackingKind::Redis | BackingKind::Sqlite => String::new(),
    }
}

fn roles<'a>(export: &'a Export<'_>, kind: BackingKind) -> impl Iterator<Item = &'a str> {
    export.arm.backings.iter().filter(move |need| need.kind == kind).map(|need| need.role.as_str())
}

/// Where a process finds the store of a role. No password stands there: PostgreSQL's comes by the environment.
pub(super) fn address(export: &Export<'_>, kind: BackingKind, role: &str) -> String {
    let host = format!("{}:{}", export.name(kind.name()), port(kind));
    match kind {
        BackingKind::Postgres => format!("postgres://lab@{host}/{}", database(export, role)),
        BackingKind::Redis => format!("redis://{host}#{}-{}", export.system(), export.wiring),
        BackingKind::Kafka => format!("kafka://{host}"),
        BackingKind::Sqlite => unreachable!("a wiring with files is refused"),
    }
}

/// A role's database: `database/links` of `microservices` is `shortener_microservices_links`.
fn database(export: &Export<'_>, role: &str) -> String {
    let own = role.split_once('/').map(|(_, component)| format!("_{component}")).unwrap_or_default();
    format!("{}_{}{own}", export.system(), export.wiring.replace('-', "_"))
}

/// The port at which a kind of store listens everywhere.
pub(super) fn port(kind: BackingKind) -> u16 {
    match kind {
        BackingKind::Postgres => 5432,
        BackingKind::Redis => 6379,
        BackingKind::Kafka => 9092,
        BackingKind::Sqlite => unreachable!("a wiring with files is refused"),
    }
}
