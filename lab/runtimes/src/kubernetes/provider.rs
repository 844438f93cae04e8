//! The stand-in for a payment provider, which runs in the cluster: its settings, and its configuration.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

use design::BackingKind;
use scenario::plan::ProcessPlan;
use serde_json::{Value, json};

use super::{Export, process::USER};
use crate::provider::{self, PORT};

/// Where its volume is.
const HOME: &str = "/var/lib/lab";

/// Whether a wiring has one.
pub(super) fn is_there(export: &Export<'_>) -> bool {
    export.arm.backings.iter().any(|need| need.kind == BackingKind::Provider)
}

/// The values of its template.
pub(super) fn view(export: &Export<'_>) -> Value {
    json!({
        "webhooks_process": hears(export).shape,
        "user": USER,
        "home": HOME,
        "provider_port": PORT,
    })
}

/// The process that it tells by webhooks.
fn hears<'a>(export: &Export<'a>) -> &'a ProcessPlan {
    let arm = export.arm;
    let is_its = |role: &String| {
        arm.backings.iter().any(|need| need.kind == BackingKind::Provider && need.role == *role)
    };
    arm.public().find(|process| process.roles.iter().any(is_its)).unwrap_or(arm.edge())
}

/// What it is started with.
pub(super) fn config(export: &Export<'_>) -> String {
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, PORT));
    let config = provider::config(&export.arm.wiring, listen, Path::new(HOME).join("books.db"));
    format!("# Read by `lab provider`. Written by `{}`.\n{}", export.command, config.to_toml())
}

/// The provider's address for a process, with the address that its webhooks go to: a service on the port of HTTP.
pub(super) fn address(export: &Export<'_>, process: &ProcessPlan) -> String {
    let server = format!("{}:{PORT}", export.name(BackingKind::Provider.name()));
    provider::with_edge(&provider::address(&server), &export.name(export.arm.webhooks_of(process).shape))
}
