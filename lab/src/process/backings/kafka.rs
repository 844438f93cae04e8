//! Kafka: a given broker, or else a throwaway native one, or else the embedded mock.
//!
//! Read in this order: this file, `installation` (finding jars and Java), `server` (starting a node), `embedded`.

mod embedded;
mod installation;
mod server;

use std::{
    net::{TcpStream, ToSocketAddrs},
    path::Path,
    time::Duration,
};

use anyhow::Context;
use runtime::BackingKind;

pub use self::installation::Installation;
use super::{Cannot, RunningBacking};
use crate::{complaint::Complaint, process::arm::Start};

/// How to get a real broker, for whoever has none.
pub const HOW_TO_GET: &str = "unpack Apache Kafka 4 into `/opt/kafka` or name its folder by `--kafka-home DIR`, with Java 17 or \
                              later on the PATH; or give a broker by `--kafka-url kafka://HOST:PORT`";

/// How long a given broker may take to accept a connection.
const ACCEPT_WITHIN: Duration = Duration::from_secs(3);

/// The given broker, or else one of the arm's own: native where Kafka is installed, and embedded elsewhere.
pub(super) fn provide(start: &Start<'_>, roles: &[String], folder: &Path) -> Result<RunningBacking, Cannot> {
    let choices = start.options.backings;
    if let Some(url) = &choices.kafka_url {
        return given(url, roles).map_err(Cannot::Fail);
    }
    let installation = if choices.embedded_kafka { None } else { Installation::find(choices)? };
    match installation {
        Some(installation) => {
            server::start(start, &installation, roles, folder).map_err(|error| Cannot::Skip {
                why: format!("the Kafka of `{}` did not start: {error:#}", installation.home.display()),
                hint: "`--embedded-kafka` uses the embedded broker instead".to_owned(),
            })
        }
        None => embedded::start(start, roles, folder)
            .context("the embedded broker did not start")
            .map_err(Cannot::Fail),
    }
}

fn given(url: &str, roles: &[String]) -> anyhow::Result<RunningBacking> {
    let hint = "expected `--kafka-url kafka://HOST:PORT` of a broker that is up";
    let address = url
        .strip_prefix("kafka://")
        .ok_or_else(|| Complaint::new(format!("`{url}` is not the address of a broker")).hint(hint))?;
    if !answers(address) {
        return Err(Complaint::new(format!("no broker answers at `{url}`")).hint(hint).into());
    }
    Ok(RunningBacking {
        caveat: Some(
            "the broker was given: its CPU and memory are not the arm's, and arms that use it share it"
                .to_owned(),
        ),
        ..RunningBacking::new(BackingKind::Kafka, "given", addresses(roles, address))
    })
}

fn answers(address: &str) -> bool {
    let Ok(resolved) = address.to_socket_addrs() else {
        return false;
    };
    resolved.into_iter().any(|address| TcpStream::connect_timeout(&address, ACCEPT_WITHIN).is_ok())
}

fn addresses(roles: &[String], broker: &str) -> Vec<(String, String)> {
    roles.iter().map(|role| (role.clone(), format!("kafka://{broker}"))).collect()
}
