//! PostgreSQL: a throwaway server of the arm's own, or databases on a given one.
//!
//! Read in this order: this file, `installation` (finding the programs), `server` (starting one), `databases`
//! (one per role).

mod databases;
mod installation;
mod server;

use std::path::Path;

use design::BackingKind;
pub use installation::Installation;

use self::databases::ExternalServer;
use super::{OwnBacking, cleanup_guard::CleanupGuard, identifier};
use crate::{
    arm::{Lacking, StartError},
    process::{child::SharedChild, start::Start},
};

/// How to get a server.
pub const HOW_TO_GET: &str = "install PostgreSQL (`apt-get install postgresql`, `brew install postgresql`), \
                              or give a server by `--postgres-url postgres://user:password@host:5432/postgres`";

const NONE: Lacking = Lacking { why: "no PostgreSQL server was found on this machine", hint: HOW_TO_GET };

/// Databases on the given server, or else a throwaway native server of the arm's own.
pub(super) fn provide(start: &Start<'_>, roles: &[String], folder: &Path) -> Result<OwnBacking, StartError> {
    if let Some(url) = &start.options.backings.postgres_url {
        return given(start, url, roles).map_err(StartError::Fail);
    }
    let Some(installation) = Installation::find() else { return Err(NONE.into()) };
    native(start, &installation, roles, folder).map_err(|error| StartError::Skip {
        why: format!("the PostgreSQL server of `{}` did not start: {error:#}", installation.bin.display()),
        hint: HOW_TO_GET.to_owned(),
    })
}

/// The missing requirement, if no server is installed.
pub(super) fn lacking() -> Option<Lacking> {
    Installation::find().is_none().then_some(NONE)
}

fn given(start: &Start<'_>, url: &str, roles: &[String]) -> anyhow::Result<OwnBacking> {
    // Random, because a lab on another machine may use the same server, and what a killed lab left stays
    // there.
    let prefix =
        format!("lab_{:08x}_{}_{}", rand::random::<u32>(), start.options.number, identifier(&start.arm.name));
    let (addresses, external) = ExternalServer::create(url, &prefix, roles)?;
    Ok(OwnBacking {
        caveat: Some(
            "the server was given: its CPU and memory are not the arm's, and the arms share it".to_owned(),
        ),
        cleanup_guard: Some(CleanupGuard::new(external, start.options.interrupt)),
        ..OwnBacking::new(BackingKind::Postgres, "given", addresses)
    })
}

fn native(
    start: &Start<'_>,
    installation: &Installation,
    roles: &[String],
    folder: &Path,
) -> anyhow::Result<OwnBacking> {
    let server = server::start(start, installation, folder)?;
    let addresses = databases::create_on_own(&server.url, roles, start.options.interrupt)?;
    let provider = format!("native, {}", installation.version);
    Ok(OwnBacking {
        log: Some(server.kept.log),
        child: Some(SharedChild::new(server.kept.keeper)),
        kept: true,
        ..OwnBacking::new(BackingKind::Postgres, provider, addresses)
    })
}
