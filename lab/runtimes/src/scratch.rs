//! A folder for a run's temporary files.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use nix::sys::statvfs::statvfs;
use scenario::diagnostic::Diagnostic;

use crate::owned_folder::OwnedFolder;

/// The prefix of the folder's name.
const PREFIX: &str = "lab-";

/// The least free disk space for a run: three databases of some 40 MiB each, and their logs.
const LEAST_FREE: u64 = 256 << 20;

/// A folder that is removed when this value is dropped, or by a later lab if this one is killed.
#[derive(Debug)]
pub struct Scratch {
    folder: OwnedFolder,
    making: Mutex<()>,
}

impl Scratch {
    /// Creates the folder, and removes the stale ones of labs that are gone.
    pub fn create() -> Result<Self> {
        Self::create_in(&std::env::temp_dir())
    }

    /// The same in another parent folder.
    pub fn create_in(parent: &Path) -> Result<Self> {
        has_room(parent)?;
        let own = format!("{PREFIX}{}-", std::process::id());
        let folder = OwnedFolder::create_in(parent, &own, |name| name.starts_with(PREFIX))?;
        // Others may traverse but not list it: a database server with another user has its folder inside.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))
            .with_context(|| format!("cannot open `{}` for passage", folder.path().display()))?;
        Ok(Self { folder, making: Mutex::new(()) })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Held while something is created in the folder that arms share.
    pub(crate) fn lock(&self) -> MutexGuard<'_, ()> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Creates a subfolder that others may traverse.
    pub fn folder(&self, name: impl AsRef<Path>) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make the folder `{}`", path.display()))?;
        Ok(path)
    }
}

/// Fails if the disk is nearly full: a database would fail during a run, with a worse message.
fn has_room(folder: &Path) -> Result<()> {
    let free = free_bytes(folder)?;
    if free >= LEAST_FREE {
        return Ok(());
    }
    let what = format!("no disk space: `{}` has {} MiB left", folder.display(), free >> 20);
    let hint =
        format!("a run needs at least {} MiB there; `TMPDIR=DIR` chooses another folder", LEAST_FREE >> 20);
    Err(Diagnostic::new(what).hint(hint).into())
}

/// The free bytes of a folder's disk.
pub fn free_bytes(folder: &Path) -> Result<u64> {
    let volume =
        statvfs(folder).with_context(|| format!("cannot ask how much room `{}` has", folder.display()))?;
    Ok(volume.blocks_available() * volume.fragment_size())
}

/// Writes a file that only its owner can read: a process configuration may contain a password.
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
