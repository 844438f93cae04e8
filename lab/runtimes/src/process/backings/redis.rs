//! Redis: the arm's keys on a given server, or else a throwaway server.
//!
//! Read in this order: this file, `installation` (finding the program), `borrowed` (a given server).

mod external;
mod installation;

use std::{path::Path, process::Command, time::Duration};

use anyhow::Result;
use design::BackingKind;
use redis::Client;

use self::external::ExternalServer;
pub use self::installation::Installation;
use super::{OwnBacking, cleanup_guard::CleanupGuard, identifier, throwaway};
use crate::{
    arm::{Lacking, StartError},
    process::{child::SharedChild, keep::Ask, ports, start::Start},
};

/// How to get a server.
pub const HOW_TO_GET: &str = "install Redis or Valkey (`apt-get install redis-server`, `brew install redis`), \
                              or give a server by `--redis-url redis://host:6379`";

const NONE: Lacking = Lacking { why: "no Redis server was found on this machine", hint: HOW_TO_GET };

/// The time limit for a server of the arm's own to respond.
const UP_WITHIN: Duration = Duration::from_secs(5);

/// The time limit of its first reply.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);

/// The given server, or else a throwaway native one of the arm's own.
pub(super) fn provide(start: &Start<'_>, roles: &[String], folder: &Path) -> Result<OwnBacking, StartError> {
    if let Some(url) = &start.options.backings.redis_url {
        return given(start, url, roles).map_err(StartError::Fail);
    }
    let Some(installation) = Installation::find() else { return Err(NONE.into()) };
    native(start, &installation, roles, folder).map_err(|error| StartError::Skip {
        why: format!("the Redis server `{}` did not start: {error:#}", installation.program.display()),
        hint: HOW_TO_GET.to_owned(),
    })
}

/// The missing requirement, if no server is installed.
pub(super) fn lacking() -> Option<Lacking> {
    Installation::find().is_none().then_some(NONE)
}

fn given(start: &Start<'_>, url: &str, roles: &[String]) -> Result<OwnBacking> {
    // Random as well, because a lab on another machine may use the same server.
    let prefix =
        format!("lab-{:08x}-{}-{}", rand::random::<u32>(), start.options.number, identifier(&start.arm.name));
    let external = ExternalServer::new(url, prefix)?;
    let addresses = addresses(roles, &external.address());
    Ok(OwnBacking {
        caveat: Some(
            "the server was given: its CPU and memory are not the arm's, and the arms share it".to_owned(),
        ),
        cleanup_guard: Some(CleanupGuard::new(external, start.options.interrupt)),
        ..OwnBacking::new(BackingKind::Redis, "given", addresses)
    })
}

fn native(
    start: &Start<'_>,
    installation: &Installation,
    roles: &[String],
    folder: &Path,
) -> Result<OwnBacking> {
    let (data, user) = (folder.join("redis"), throwaway::unprivileged("redis"));
    let port = ports::free()?.port();
    // There is a password although the server listens on loopback only: other users of this machine reach
    // loopback as well.
    let password = format!("{:032x}", rand::random::<u128>());
    throwaway::folder_of(user, &data, &[("redis.conf", &settings(port, &data, &password))])?;
    let mut command = Command::new(&installation.program);
    command.arg(data.join("redis.conf"));
    let server = throwaway::Server { name: "redis", data: &data, user, ask: Ask::Terminate, command };
    let mut kept = server.start(start, folder)?;
    let address = format!("redis://:{password}@127.0.0.1:{port}");
    let client = Client::open(address.as_str())?;
    throwaway::until(start, &mut kept.keeper, &kept.log, UP_WITHIN, || {
        client.get_connection_with_timeout(ANSWER_WITHIN).ok()
    })?;
    Ok(OwnBacking {
        log: Some(kept.log),
        child: Some(SharedChild::new(kept.keeper)),
        kept: true,
        ..OwnBacking::new(
            BackingKind::Redis,
            format!("native, {}", installation.version),
            addresses(roles, &address),
        )
    })
}

/// A pure cache: no persistence, and LRU eviction when it is full, whereas Redis by default grows without
/// limit.
fn settings(port: u16, data: &Path, password: &str) -> String {
    format!(
        "bind 127.0.0.1\n\
         port {port}\n\
         requirepass {password}\n\
         dir \"{}\"\n\
         save \"\"\n\
         appendonly no\n\
         maxmemory 256mb\n\
         maxmemory-policy allkeys-lru\n",
        data.display()
    )
}

fn addresses(roles: &[String], address: &str) -> Vec<(String, String)> {
    roles.iter().map(|role| (role.clone(), address.to_owned())).collect()
}
