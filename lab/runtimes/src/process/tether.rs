//! `lab tether`: becomes a server that ends with its keeper, however the keeper ends.
//!
//! A killed keeper cannot end its server any more, so the kernel does: a process can request a signal for the
//! death of its parent (`PR_SET_PDEATHSIG`, prctl(2)), and the request survives `exec`.
//! A change of user clears the request, so that comes first; and the request has to be made between the
//! keeper's `fork` and the server's `exec`, which without unsafe code needs a separate program.

use std::{os::unix::process::CommandExt, process::Command};

use anyhow::{Context, Result, bail};
use nix::{
    sys::{prctl, signal::Signal},
    unistd::{self, Gid, Pid, Uid},
};

/// The arguments.
#[derive(Clone, Debug)]
pub struct Tether {
    /// The keeper's process id.
    pub keeper: i32,
    /// The user and group to run as; `None` for the current ones.
    pub user: Option<(u32, u32)>,
    /// The server's command line.
    pub command: Vec<String>,
}

/// Becomes the server; returns only if that fails.
pub fn run(tether: &Tether) -> Result<()> {
    let (program, arguments) = tether.command.split_first().context("`lab tether` needs a command")?;
    if let Some((user, group)) = tether.user {
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        unistd::setgroups(&[]).context("cannot leave the groups")?;
        unistd::setgid(group).with_context(|| format!("cannot become the group {group}"))?;
        unistd::setuid(user).with_context(|| format!("cannot become the user {user}"))?;
    }
    prctl::set_pdeathsig(Signal::SIGKILL).context("cannot be tied to the keeper")?;
    // The keeper may have ended before the line above.
    if unistd::getppid() != Pid::from_raw(tether.keeper) {
        bail!("the keeper of `{program}` is gone");
    }
    let error = Command::new(program).args(arguments).exec();
    Err(error).with_context(|| format!("cannot start `{program}`"))
}
