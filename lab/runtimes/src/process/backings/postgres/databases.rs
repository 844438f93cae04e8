//! One database per role, on a server of the arm's own or on a given one.

use std::{
    future::Future,
    str::FromStr,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use scenario::diagnostic::Diagnostic;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor,
    postgres::{PgConnectOptions, PgConnection},
};

use crate::{interrupt::Interrupt, process::backings::identifier};

/// The time limit for a server of the arm's own to respond.
const UP_WITHIN: Duration = Duration::from_secs(15);

/// The time limit for making a connection; a given server may be far away.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The time limit for removing an arm's databases.
const REMOVE_WITHIN: Duration = Duration::from_secs(10);

/// The longest name that PostgreSQL does not truncate, in bytes.
const LONGEST_NAME: usize = 63;

type Addresses = Vec<(String, String)>;

/// Databases on an external server. Dropping it removes them.
#[derive(Debug)]
pub(super) struct ExternalServer {
    server: PgConnectOptions,
    names: Vec<String>,
}

impl ExternalServer {
    /// Creates a database for each role.
    pub(super) fn create(url: &str, prefix: &str, roles: &[String]) -> Result<(Addresses, Self)> {
        let hint =
            "expected `--postgres-url postgres://user:password@host:5432/postgres` of a server that is up";
        // The driver accepts any scheme, and would try to use a web server as a database.
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        if !["postgres", "postgresql"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            let what = "the address of the PostgreSQL server does not begin with `postgres://`";
            return Err(Diagnostic::new(what).hint(hint).into());
        }
        let server = PgConnectOptions::from_str(url).map_err(|error| {
            Diagnostic::new(format!("the address of the PostgreSQL server is malformed: {error}")).hint(hint)
        })?;
        let mut external = Self { server, names: Vec::new() };
        // Not moved into the future: if it fails, what was created is removed by another runtime.
        let addresses = blocking(external.fill(prefix, roles, hint))?;
        Ok((addresses, external))
    }

    async fn fill(&mut self, prefix: &str, roles: &[String], hint: &str) -> Result<Addresses> {
        let mut connection = connect(&self.server).await.map_err(|error| {
            let host = format!("{}:{}", self.server.get_host(), self.server.get_port());
            Diagnostic::new(format!("the PostgreSQL server at `{host}` does not answer: {error}")).hint(hint)
        })?;
        let mut addresses = Vec::new();
        for role in roles {
            let name = shortened(&format!("{prefix}_{}", identifier(role)));
            create_one(&mut connection, &name).await.map_err(|error| {
                Diagnostic::new(format!("cannot make a database on the given server: {error:#}"))
                    .hint("its user has to have the right `CREATEDB`")
            })?;
            addresses.push((role.clone(), address(&self.server, &name)));
            self.names.push(name);
        }
        Ok(addresses)
    }

    async fn remove(&self) -> Result<()> {
        let mut connection = connect(&self.server).await?;
        for name in &self.names {
            connection
                .execute(sqlx::raw_sql(AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))))
                .await
                .with_context(|| format!("cannot remove the database `{name}`"))?;
        }
        Ok(())
    }
}

impl Drop for ExternalServer {
    fn drop(&mut self) {
        if self.names.is_empty() {
            return;
        }
        let removed =
            async { tokio::time::timeout(REMOVE_WITHIN, self.remove()).await.context("it took too long")? };
        if let Err(error) = blocking(removed) {
            anstream::eprintln!(
                "warning: databases named `{}` may be left: {error:#}",
                self.names.join("`, `")
            );
        }
    }
}

/// Waits until a server of the arm's own responds, then creates a database for each role.
pub(super) fn create_on_own(url: &str, roles: &[String], interrupt: &Interrupt) -> Result<Addresses> {
    let server = PgConnectOptions::from_str(url).context("the lab made a malformed address")?;
    let deadline = Instant::now() + UP_WITHIN;
    blocking(async {
        let mut connection = loop {
            match connect(&server).await {
                Ok(connection) => break connection,
                Err(error) if Instant::now() >= deadline => return Err(error),
                // A current-thread runtime without other tasks: blocking the thread is waiting.
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
            interrupt.check()?;
        };
        let mut addresses = Vec::new();
        for role in roles {
            let name = identifier(role);
            create_one(&mut connection, &name).await?;
            addresses.push((role.clone(), address(&server, &name)));
        }
        Ok(addresses)
    })
}

async fn connect(server: &PgConnectOptions) -> Result<PgConnection> {
    let connecting = PgConnection::connect_with(server);
    tokio::time::timeout(CONNECT_WITHIN, connecting)
        .await
        .context("no answer in time")?
        .map_err(anyhow::Error::from)
}

/// The name consists of letters, digits and underscores: [`identifier`] made it.
async fn create_one(connection: &mut PgConnection, name: &str) -> Result<()> {
    connection
        .execute(sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))))
        .await
        .with_context(|| format!("cannot make the database `{name}`"))?;
    Ok(())
}

fn address(server: &PgConnectOptions, database: &str) -> String {
    server.clone().database(database).to_url_lossy().to_string()
}

/// A name within PostgreSQL's limit. Names are cut in the middle: their ends distinguish roles, their
/// beginnings labs.
fn shortened(name: &str) -> String {
    if name.len() <= LONGEST_NAME {
        return name.to_owned();
    }
    format!("{}_{}", &name[..30], &name[name.len() - 32..])
}

fn blocking<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start an event loop")?
        .block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_role_and_fits() {
        let name = shortened(&format!("lab_1_1_{}_database_links", "x".repeat(80)));
        assert!(name.len() <= LONGEST_NAME);
        assert!(name.starts_with("lab_1_1_") && name.ends_with("_database_links"));
    }
}
