//! What each process is told: the wiring files of an arm.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use runtime::HostFile;

use super::{RunningBacking, arm::Start, ports, scratch::write_private};
use crate::{
    plan::{ArmPlan, ProcessPlan},
    traces::Receiver,
};

/// An arm's addresses.
pub(super) struct Addressed {
    /// Of the public API.
    pub(super) public: SocketAddr,
    internal: BTreeMap<String, SocketAddr>,
}

impl Addressed {
    /// Chooses a port for the public API, unless one is wanted, and one for each process's internal server.
    pub(super) fn new(arm: &ArmPlan, wanted: Option<u16>) -> Result<Self> {
        Ok(Self {
            public: wanted.map_or_else(ports::free, ports::wanted)?,
            internal: arm
                .processes
                .iter()
                .map(|process| Ok((process.name.clone(), ports::free()?)))
                .collect::<Result<_>>()?,
        })
    }

    /// The internal server of a process of this arm.
    pub(super) fn internal(&self, process: &str) -> SocketAddr {
        self.internal[process]
    }
}

/// Writes the file of each process; their paths in the plan's order.
pub(super) fn write(
    start: &Start<'_>,
    addressed: &Addressed,
    folder: &Path,
    backings: &[RunningBacking],
    receiver: Option<&Receiver>,
) -> Result<Vec<PathBuf>> {
    start
        .arm
        .processes
        .iter()
        .map(|process| {
            let scratch = folder.join(&process.name);
            std::fs::create_dir_all(&scratch)
                .with_context(|| format!("cannot make the folder `{}`", scratch.display()))?;
            let file = HostFile {
                system: start.arm.wiring.system().name.to_owned(),
                process: process.shape.to_owned(),
                public: process.edge.then_some(addressed.public),
                public_urls: if process.edge { start.options.public_urls.to_vec() } else { Vec::new() },
                internal: addressed.internal(&process.name),
                cpus: start.budget.arms.clone(),
                traces: receiver.map(Receiver::url),
                scratch,
                axes: start
                    .arm
                    .wiring
                    .values()
                    .map(|(axis, value)| (axis.to_owned(), value.to_owned()))
                    .collect(),
                peers: peers(start.arm, process, addressed),
                backings: addresses(process, backings),
                limits: start.options.limits,
            };
            let path = folder.join(format!("{}.toml", process.name));
            write_private(&path, &file.to_toml())
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            Ok(path)
        })
        .collect()
}

/// For each component that another process hosts, where each copy of that process is.
fn peers(arm: &ArmPlan, process: &ProcessPlan, addressed: &Addressed) -> BTreeMap<String, Vec<String>> {
    process
        .remote
        .iter()
        .map(|component| {
            let copies = arm.hosts_of(component).map(|copy| addressed.internal(&copy.name).to_string());
            ((*component).to_owned(), copies.collect())
        })
        .collect()
}

/// The addresses of the backings that a process uses.
fn addresses(process: &ProcessPlan, backings: &[RunningBacking]) -> BTreeMap<String, String> {
    backings
        .iter()
        .flat_map(|backing| &backing.addresses)
        .filter(|(role, _)| process.roles.contains(role))
        .cloned()
        .collect()
}

/// Lines with an address each, as they may be shown: `user:password@` becomes `user:***@`, and so does `password=` in
/// its query, where PostgreSQL takes it as well.
pub(crate) fn without_passwords(text: &str) -> String {
    text.split_inclusive('\n').map(|line| query_without_password(&line_without_password(line))).collect()
}

fn query_without_password(line: &str) -> String {
    let Some((address, query)) = line.split_once('?').filter(|(address, _)| address.contains("://")) else {
        return line.to_owned();
    };
    let fields = query.split('&').map(|field| match field.split_once("password=") {
        Some((before, password)) => {
            let ends = password.find(['"', '\'', '#', ' ', '\n']).unwrap_or(password.len());
            format!("{before}password=***{}", &password[ends..])
        }
        None => field.to_owned(),
    });
    format!("{address}?{}", fields.collect::<Vec<_>>().join("&"))
}

fn line_without_password(line: &str) -> String {
    let hidden = || {
        let (scheme, rest) = line.split_once("://")?;
        // The last one: a password may have one of its own.
        let (credentials, host) = rest.rsplit_once('@')?;
        let (user, _password) = credentials.split_once(':')?;
        Some(format!("{scheme}://{user}:***@{host}"))
    };
    hidden().unwrap_or_else(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_wiring_file_has_no_password() {
        let text = "process = \"links\"\ndatabase = \"postgres://lab:secret@127.0.0.1:5432/links\"\n";
        assert_eq!(
            without_passwords(text),
            "process = \"links\"\ndatabase = \"postgres://lab:***@127.0.0.1:5432/links\"\n"
        );
        assert_eq!(without_passwords("postgres://lab:s@crt@host/db"), "postgres://lab:***@host/db");
        let query = "a = \"postgres://host/db?user=lab&password=secret&sslmode=disable\"\nb = \"postgres://lab:secret@host/db?password=secret\"\n";
        assert_eq!(
            without_passwords(query),
            "a = \"postgres://host/db?user=lab&password=***&sslmode=disable\"\nb = \"postgres://lab:***@host/db?password=***\"\n"
        );
        assert_eq!(without_passwords("what?password=mine"), "what?password=mine", "no address");
    }
}
