//! A folder for everything that a run puts on disk and that nobody needs afterwards.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use nix::sys::statvfs::statvfs;
use scenario::complaint::Complaint;

use crate::claimed::Claimed;

/// How the folder's name begins.
const PREFIX: &str = "lab-";

/// The least room for a run: three databases of some 40 MiB each, and their logs.
const LEAST_FREE: u64 = 256 << 20;

/// A folder that is removed when this value is dropped, or by a later lab if this one is killed.
#[derive(Debug)]
pub struct Scratch {
    folder: Claimed,
    making: Mutex<()>,
}

impl Scratch {
    /// Makes the folder, and removes those of labs that are gone.
    pub fn create() -> Result<Self> {
        Self::create_in(&std::env::temp_dir())
    }

    /// The same below another folder.
    pub fn create_in(parent: &Path) -> Result<Self> {
        has_room(parent)?;
        let own = format!("{PREFIX}{}-", std::process::id());
        let folder = Claimed::create_in(parent, &own, |name| name.starts_with(PREFIX))?;
        // Others may pass through but not look: a database server that runs as another user has its folder inside.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))
            .with_context(|| format!("cannot open `{}` for passage", folder.path().display()))?;
        Ok(Self { folder, making: Mutex::new(()) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Held by whoever makes something in the folder that arms share.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a folder inside, with passage for others.
    pub fn folder(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        Ok(path)
    }
}

/// Fails when the disk is all but full: a database would die in the middle of a run, with a worse message.
fn has_room(folder: &Path) -> Result<()> {
    let free = free_bytes(folder)?;
    if free >= LEAST_FREE {
        return Ok(());
    }
    let what = format!("no disk space: `{}` has {} MiB left", folder.display(), free >> 20);
    let hint =
        format!("a run needs at least {} MiB there; `TMPDIR=DIR` chooses another folder", LEAST_FREE >> 20);
    Err(Complaint::new(what).hint(hint).into())
}

/// The bytes that are free where a folder is.
pub fn free_bytes(folder: &Path) -> Result<u64> {
    let volume =
        statvfs(folder).with_context(|| format!("cannot ask how much room `{}` has", folder.display()))?;
    Ok(volume.blocks_available() * volume.fragment_size())
}

/// Writes a file that only its owner can read: a wiring file may hold a password.
pub fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_when_it_is_dropped() {
        let parent = tempfile::tempdir().unwrap();
        let scratch = Scratch::create_in(parent.path()).unwrap();
        scratch.folder("launch-1/monolith").unwrap();
        drop(scratch);
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
