//! Kafka: a given broker, or a throwaway native one, or the embedded mock.
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
use design::BackingKind;
use scenario::diagnostic::Diagnostic;
use url::Url;

pub use self::installation::Installation;
use super::OwnBacking;
use crate::{
    arm::{BackingChoices, StartError},
    process::start::Start,
};

/// How to get a real broker.
pub const HOW_TO_GET: &str = "unpack Apache Kafka 4 into `/opt/kafka` or name its folder by `--kafka-home DIR`, with Java 17 or \
                              later on the PATH; or give a broker by `--kafka-url kafka://HOST:PORT`";

/// The time limit for a given broker to accept a connection.
const ACCEPT_WITHIN: Duration = Duration::from_secs(3);

/// The given broker; otherwise the arm's own: native if Kafka is installed, else embedded.
pub(super) fn provide(start: &Start<'_>, roles: &[String], folder: &Path) -> Result<OwnBacking, StartError> {
    let choices = start.options.backings;
    if let Some(url) = &choices.kafka_url {
        return given(url, roles).map_err(StartError::Fail);
    }
    let installation = if choices.embedded_kafka { None } else { Installation::find(choices)? };
    match installation {
        Some(installation) => {
            server::start(start, &installation, roles, folder).map_err(|error| StartError::Skip {
                why: format!("the Kafka of `{}` did not start: {error:#}", installation.home.display()),
                hint: "`--embedded-kafka` uses the embedded broker instead".to_owned(),
            })
        }
        None => embedded::start(start, roles, folder)
            .context("the embedded broker did not start")
            .map_err(StartError::Fail),
    }
}

/// Whether a broker that is not given would be the embedded one.
pub(super) fn is_embedded(choices: &BackingChoices) -> bool {
    choices.embedded_kafka || matches!(Installation::find(choices), Ok(None))
}

fn given(url: &str, roles: &[String]) -> anyhow::Result<OwnBacking> {
    let hint = "expected `--kafka-url kafka://HOST:PORT` of a broker that is up";
    let address = broker(url).map_err(|why| {
        Diagnostic::new(format!("`{url}` is not the address of a broker: {why}")).hint(hint)
    })?;
    if !answers(&address) {
        return Err(Diagnostic::new(format!("no broker answers at `{url}`")).hint(hint).into());
    }
    Ok(OwnBacking {
        caveat: Some(
            "the broker was given: its CPU and memory are not the arm's, and arms that use it share it"
                .to_owned(),
        ),
        ..OwnBacking::new(BackingKind::Kafka, "given", addresses(roles, &address))
    })
}

/// The `HOST:PORT` of a broker's URL, or the error.
fn broker(url: &str) -> Result<String, String> {
    let parsed = Url::parse(url).map_err(|error| error.to_string())?;
    if parsed.scheme() != "kafka" {
        return Err(format!("its scheme is `{}`", parsed.scheme()));
    }
    match (parsed.host_str(), parsed.port(), parsed.path(), parsed.query(), parsed.fragment()) {
        (Some(host), Some(port), "" | "/", None, None) if port > 0 && parsed.username().is_empty() => {
            Ok(format!("{host}:{port}"))
        }
        _ => Err("it has to be a host and a port, and nothing else".to_owned()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        assert_eq!(broker("kafka://127.0.0.1:9092").unwrap(), "127.0.0.1:9092");
        assert_eq!(broker("KAFKA://broker:9092/").unwrap(), "broker:9092");
        assert_eq!(broker("kafka://[::1]:9092").unwrap(), "[::1]:9092");
        for (wrong, why) in [
            ("kafka://127.0.0.1:99999", "port"),
            ("kafka://127.0.0.1:0", "a host and a port"),
            ("kafka://127.0.0.1", "a host and a port"),
            ("kafka://127.0.0.1:9092/topic", "a host and a port"),
            ("http://127.0.0.1:9092", "`http`"),
            ("127.0.0.1:9092", "relative URL"),
        ] {
            let told = broker(wrong).unwrap_err();
            assert!(told.contains(why), "{wrong}: {told}");
        }
    }
}
