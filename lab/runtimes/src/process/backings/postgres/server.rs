//! A throwaway server: `initdb` runs once per run, and its folder is copied for each arm and launch.

use std::{
    fs,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use super::installation::Installation;
use crate::{
    interrupt::Interrupt,
    process::{
        backings::throwaway::{self, Account, ThrowawayServer},
        keep::Ask,
        ports,
        start::Start,
    },
    scratch::{Scratch, write_private},
};

/// The superuser of a throwaway server.
const USER: &str = "lab";

/// The time limit for `initdb`, or for copying its folder.
const FILES_WITHIN: Duration = Duration::from_mins(1);

/// Differences from PostgreSQL's defaults:
/// no Unix socket (its path may be too long, and it would have to be removed), loopback only, enough
/// connections for a pool in each process of an arm, and a crash recovery that syncs one file system instead
/// of every file.
/// Durability is unchanged: `fsync` and `synchronous_commit` stay on.
const SETTINGS: [&str; 4] = [
    "unix_socket_directories=",
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    "recovery_init_sync_method=syncfs",
];

/// A server that was started; it may not respond yet.
pub(super) struct Server {
    /// `postgres://lab:password@127.0.0.1:port/postgres`.
    pub(super) url: String,
    pub(super) kept: ThrowawayServer,
}

/// Starts a server of the arm's own.
pub(super) fn start(start: &Start<'_>, installation: &Installation, folder: &Path) -> Result<Server> {
    let options = start.options;
    // PostgreSQL refuses to run as root.
    let user = throwaway::unprivileged("postgres");
    let (template, password) = template(options.scratch, installation, user, options.interrupt)?;
    let data = folder.join("postgres");
    let mut copy = Command::new("cp");
    copy.arg("-a").arg(&template).arg(&data);
    throwaway::run(copy, "cp", &folder.join("postgres-copy.log"), FILES_WITHIN, options.interrupt)?;
    let port = ports::free()?.port();
    let mut command = Command::new(installation.bin.join("postgres"));
    command.arg("-D").arg(&data).arg("-p").arg(port.to_string());
    for setting in SETTINGS {
        command.arg("-c").arg(setting);
    }
    let server = throwaway::Server { name: "postgres", data: &data, user, ask: Ask::Interrupt, command };
    let kept = server.start(start, folder)?;
    Ok(Server { url: format!("postgres://{USER}:{password}@127.0.0.1:{port}/postgres"), kept })
}

/// The folder from `initdb` and its superuser's password; created on the first call of a run.
///
/// There is a password although the server listens on loopback only: a PostgreSQL superuser can run programs,
/// and other users of this machine reach loopback as well.
fn template(
    scratch: &Scratch,
    installation: &Installation,
    user: Option<Account>,
    interrupt: &Interrupt,
) -> Result<(PathBuf, String)> {
    let _one_at_a_time = scratch.lock();
    let home = scratch.folder("postgres-template")?;
    let (data, secret) = (home.join("data"), home.join("password"));
    if data.join("PG_VERSION").exists() {
        let password = fs::read_to_string(&secret).context("cannot read the template's password")?;
        return Ok((data, password));
    }
    let password = format!("{:032x}", rand::random::<u128>());
    write_private(&secret, &password).context("cannot write the template's password")?;
    let mut command = Command::new(installation.bin.join("initdb"));
    if let Some((user, group)) = user {
        for path in [&home, &secret] {
            chown(path, Some(user), Some(group))
                .with_context(|| format!("cannot give `{}` away", path.display()))?;
        }
        command.uid(user).gid(group);
    }
    // `-N`: a throwaway folder need not survive a power failure.
    command
        .args(["-N", "-E", "UTF8", "--locale=C", "--auth=scram-sha-256", "-U", USER])
        .arg("--pwfile")
        .arg(&secret)
        .arg("-D")
        .arg(&data)
        .current_dir(&home);
    throwaway::run(command, "initdb", &scratch.path().join("initdb.log"), FILES_WITHIN, interrupt)?;
    Ok((data, password))
}
