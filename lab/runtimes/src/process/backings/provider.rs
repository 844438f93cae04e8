//! The stand-in for a payment provider: the lab's own program below a keeper, as any other throwaway server.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use design::BackingKind;

use super::{OwnBacking, throwaway};
use crate::{
    arm::StartError,
    process::{child::SharedChild, keep::Ask, ports, provider::answers, start::Start},
    provider,
};

/// The time limit for it to respond: it makes its books first, and its commits may wait for a busy disk.
const UP_WITHIN: Duration = Duration::from_secs(30);

/// Starts a provider of the arm's own, with books in its folder; returns when it responds.
pub(super) fn provide(start: &Start<'_>, roles: &[String], folder: &Path) -> Result<OwnBacking, StartError> {
    started(start, roles, folder).context("the payment provider did not start").map_err(StartError::Fail)
}

fn started(start: &Start<'_>, roles: &[String], folder: &Path) -> Result<OwnBacking> {
    let (data, listen) = (folder.join("provider"), ports::free()?);
    let config = provider::config(&start.arm.wiring, listen, data.join("books.db"));
    throwaway::folder_of(None, &data, &[("provider.toml", &config.to_toml())])?;
    let command = start.command(&["provider"], &data.join("provider.toml"));
    let server =
        throwaway::Server { name: "provider", data: &data, user: None, ask: Ask::Terminate, command };
    let mut kept = server.start(start, folder)?;
    throwaway::until(start, &mut kept.keeper, &kept.log, UP_WITHIN, || answers(listen).then_some(()))?;
    let addresses = roles.iter().map(|role| (role.clone(), provider::address(&listen)));
    let caveat =
        "the payment provider is a stand-in, and uses the processors of the arms: a real one is elsewhere";
    Ok(OwnBacking {
        caveat: Some(caveat.to_owned()),
        log: Some(kept.log),
        child: Some(SharedChild::new(kept.keeper)),
        kept: true,
        ..OwnBacking::new(BackingKind::Provider, "the lab's stand-in", addresses.collect())
    })
}
