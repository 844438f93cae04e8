//! Keys on an external server.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use redis::{Client, Connection, RedisResult};
use scenario::diagnostic::Diagnostic;

/// The time limit for a given server to respond; it may be far away.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// The time limit for removing an arm's keys.
const REMOVE_WITHIN: Duration = Duration::from_secs(10);

/// Keys per `SCAN` step: a given server has other users, who wait for each step.
const STEP: usize = 1_000;

/// The keys of an arm on an external server. Dropping it removes them.
pub(super) struct ExternalServer {
    /// The URL without a prefix.
    url: String,
    client: Client,
    prefix: String,
}

impl ExternalServer {
    /// Checks that the server responds.
    ///
    /// The prefix contains no special characters of key patterns.
    pub(super) fn new(url: &str, prefix: String) -> Result<Self> {
        let hint = "expected `--redis-url redis://[:password@]host:port[/database]` of a server that is up";
        // The part after `#` is a prefix of keys, which the lab chooses itself.
        let url = url.split('#').next().unwrap_or_default().to_owned();
        let client = Client::open(url.as_str()).map_err(|error| {
            Diagnostic::new(format!("the address of the Redis server is malformed: {error}")).hint(hint)
        })?;
        connect(&client).map_err(|error| {
            let server = client.get_connection_info().addr().to_string();
            Diagnostic::new(format!("the Redis server at `{server}` does not answer: {error}")).hint(hint)
        })?;
        Ok(Self { url, client, prefix })
    }

    /// The server's address with the prefix of the arm's keys, for a process configuration.
    pub(super) fn address(&self) -> String {
        format!("{}#{}", self.url, self.prefix)
    }

    fn remove(&self) -> Result<()> {
        let mut connection = connect(&self.client)?;
        let deadline = Instant::now() + REMOVE_WITHIN;
        let mut cursor = 0_u64;
        loop {
            let mut look = redis::cmd("SCAN");
            look.arg(cursor).arg("MATCH").arg(format!("{}*", self.prefix)).arg("COUNT").arg(STEP);
            let (next, keys): (u64, Vec<Vec<u8>>) =
                look.query(&mut connection).context("cannot look for the keys")?;
            if !keys.is_empty() {
                redis::cmd("UNLINK").arg(keys).exec(&mut connection).context("cannot remove the keys")?;
            }
            if next == 0 {
                return Ok(());
            }
            if Instant::now() >= deadline {
                bail!("it took longer than {} s", REMOVE_WITHIN.as_secs());
            }
            cursor = next;
        }
    }
}

fn connect(client: &Client) -> RedisResult<Connection> {
    let mut connection = client.get_connection_with_timeout(ANSWER_WITHIN)?;
    connection.set_read_timeout(Some(ANSWER_WITHIN))?;
    connection.set_write_timeout(Some(ANSWER_WITHIN))?;
    redis::cmd("PING").exec(&mut connection)?;
    Ok(connection)
}

impl Drop for ExternalServer {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            anstream::eprintln!("warning: keys `{}*` may be left on the given server: {error}", self.prefix);
        }
    }
}
