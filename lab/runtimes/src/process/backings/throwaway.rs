//! A throwaway server of the arm's own: started, waited for, and ended by `lab keep`.

use std::{
    fs,
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

use crate::{
    arm::LogTail,
    interrupt::Interrupt,
    process::{child::Child, keep::Ask, start::Start},
    scratch::write_private,
};

/// The polling interval of a starting server.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A user to run a server as: user id and group id.
pub(super) type Account = (u32, u32);

/// A server to start.
pub(super) struct Server<'a> {
    /// Its name, for messages and its log: `redis`.
    pub(super) name: &'a str,
    /// Its own folder, removed after its end.
    pub(super) data: &'a Path,
    /// The user to run as; `None` for the current user.
    pub(super) user: Option<Account>,
    /// The signal that ends it.
    pub(super) ask: Ask,
    /// Its program and arguments.
    pub(super) command: Command,
}

/// A throwaway server that was started; it may not respond yet.
pub(super) struct ThrowawayServer {
    /// The process between the lab and the server.
    pub(super) keeper: Child,
    /// The log of both.
    pub(super) log: PathBuf,
}

impl Server<'_> {
    /// Starts it on the arms' processors.
    pub(super) fn start(self, start: &Start<'_>, folder: &Path) -> Result<ThrowawayServer> {
        let mut command = Command::new(start.options.program);
        command.arg("keep").arg("--folder").arg(self.data).args(["--ask", self.ask.name()]);
        if let Some((user, group)) = self.user {
            command.arg("--user").arg(format!("{user}:{group}"));
        }
        command.arg("--").arg(self.command.get_program()).args(self.command.get_args());
        let log = folder.join(format!("{}.log", self.name));
        let keeper = Child::start(self.name, command, &log, &start.budget.arms)?;
        Ok(ThrowawayServer { keeper, log })
    }
}

/// Runs a preparing command to its end.
pub(super) fn run(
    command: Command,
    name: &str,
    log: &Path,
    limit: Duration,
    interrupt: &Interrupt,
) -> Result<()> {
    let mut child = Child::start(name, command, log, &[])?;
    let deadline = Instant::now() + limit;
    loop {
        if let Some(ended) = child.ended() {
            if ended.succeeded {
                return Ok(());
            }
            bail!("`{name}` failed ({}):{}", ended.how, ended.last_words.indented());
        }
        interrupt.check()?;
        if Instant::now() >= deadline {
            bail!("`{name}` took longer than {} s:{}", limit.as_secs(), LogTail::of(log).indented());
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// Polls until `look` returns something; fails if the process ends, at the time limit, and on Ctrl-C.
pub(super) fn until<T>(
    start: &Start<'_>,
    child: &mut Child,
    log: &Path,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(seen) = look() {
            return Ok(seen);
        }
        if let Some(ended) = child.ended() {
            bail!("it ended ({}); its last words:{}", ended.how, ended.last_words.indented());
        }
        if Instant::now() >= deadline {
            let words = LogTail::of(log).indented();
            bail!("it did not answer within {} s; its last words:{words}", limit.as_secs());
        }
        start.options.interrupt.check()?;
        thread::sleep(LOOK_EVERY);
    }
}

/// The user to run a server as if the lab is root, so that the server's clients cannot act as root: the
/// server's own user if it exists, else `nobody`.
pub(super) fn unprivileged(own: &str) -> Option<Account> {
    if !Uid::effective().is_root() {
        return None;
    }
    [own, "nobody"]
        .into_iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(|user| (user.uid.as_raw(), user.gid.as_raw()))
}

/// Creates a server's folder with these files, readable by the server's user only.
pub(super) fn folder_of(user: Option<Account>, data: &Path, files: &[(&str, &str)]) -> Result<()> {
    fs::create_dir_all(data).with_context(|| format!("cannot make the folder `{}`", data.display()))?;
    let paths = files.iter().map(|(name, text)| (data.join(name), *text));
    let mut made = vec![data.to_owned()];
    for (path, text) in paths {
        write_private(&path, text).with_context(|| format!("cannot write `{}`", path.display()))?;
        made.push(path);
    }
    for path in made {
        if let Some((user, group)) = user {
            chown(&path, Some(user), Some(group))
                .with_context(|| format!("cannot give `{}` away", path.display()))?;
        }
    }
    Ok(())
}
