//! A folder that a lab owns while it runs, and that a later lab removes if this one is killed.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The claim file. The lab holds a lock on it (flock(2)), which the kernel releases however the lab ends:
/// whoever can lock it knows that the folder is stale. A process id would be less reliable, because ids are
/// reused and differ between containers.
const CLAIM: &str = ".claimed-by-a-running-lab";
/// The claim file's name before it is locked.
const UNNAMED: &str = ".claim";

/// An owned folder. Dropping it removes it.
#[derive(Debug)]
pub struct OwnedFolder {
    folder: PathBuf,
    is_kept: bool,
    /// `None` if the file system has no locks; then nobody removes the folder of a killed lab.
    _claim: Option<File>,
}

impl OwnedFolder {
    /// Creates a folder with a name of this prefix, and removes stale ones of labs that are gone.
    ///
    /// Removes nothing else, whatever its name: a folder without a claim file is not a lab's.
    pub fn create_in(parent: &Path, prefix: &str, old: impl Fn(&str) -> bool) -> Result<Self> {
        remove_stale(parent, old);
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(parent)
            .with_context(|| format!("cannot make a folder in `{}`", parent.display()))?
            .keep();
        let claim = claim(&folder).inspect_err(|_| drop(fs::remove_file(folder.join(UNNAMED)))).ok();
        Ok(Self { folder, is_kept: false, _claim: claim })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Renames the folder permanently, and gives up the claim.
    pub fn keep_as(mut self, name: &Path) -> Result<()> {
        let made = &self.folder;
        fs::rename(made, name)
            .with_context(|| format!("cannot rename `{}` to `{}`", made.display(), name.display()))?;
        self.is_kept = true;
        let _ = fs::remove_file(name.join(CLAIM));
        Ok(())
    }
}

impl Drop for OwnedFolder {
    fn drop(&mut self) {
        if !self.is_kept {
            remove(&self.folder);
        }
    }
}

/// Removes a folder, its claim last. What cannot be removed now, because somebody still writes to it, is
/// removed by a later lab.
pub fn remove(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let mut is_empty = true;
    for entry in entries.filter(|entry| entry.file_name() != CLAIM) {
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let removed =
            if is_folder { fs::remove_dir_all(entry.path()) } else { fs::remove_file(entry.path()) };
        is_empty &= removed.is_ok();
    }
    if is_empty {
        let _ = fs::remove_dir_all(folder);
    }
}

fn claim(folder: &Path) -> Result<File> {
    // Named only after it is locked, because another lab may be searching for stale folders.
    let unnamed = folder.join(UNNAMED);
    let claim = File::create(&unnamed)?;
    claim.try_lock()?;
    fs::rename(&unnamed, folder.join(CLAIM))?;
    Ok(claim)
}

/// The folders in a parent folder whose labs are running: those with locked claims.
pub fn of_running(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
    let is_held = |folder: &PathBuf| {
        let claim = folder.join(CLAIM);
        is_file(&claim)
            && File::open(claim)
                .is_ok_and(|claim| matches!(claim.try_lock_shared(), Err(TryLockError::WouldBlock)))
    };
    entries.map(|entry| entry.path()).filter(is_held).collect()
}

/// Only regular files are opened: opening a pipe would block until somebody writes.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|claim| claim.is_file())
}

/// Removes the stale folders of labs. A folder that cannot be removed belongs to another user, and stays.
fn remove_stale(parent: &Path, old: impl Fn(&str) -> bool) {
    let entries = fs::read_dir(parent).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| old(&entry.file_name().to_string_lossy())) {
        let path = entry.path().join(CLAIM);
        if is_file(&path) && File::open(path).is_ok_and(|claim| claim.try_lock().is_ok()) {
            remove(&entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(parent: &Path) -> OwnedFolder {
        OwnedFolder::create_in(parent, "lab-", |name| name.starts_with("lab-")).unwrap()
    }

    #[test]
    fn the_folder_of_a_lab_that_is_gone_is_removed_and_no_other() {
        let parent = tempfile::tempdir().unwrap();
        let living = create(parent.path());
        let kept = parent.path().join("lab-kept");
        create(parent.path()).keep_as(&kept).unwrap();
        // The state after a lab was killed: a claim that nobody has locked.
        let gone = parent.path().join("lab-4711-abcdef");
        fs::create_dir(&gone).unwrap();
        drop(claim(&gone).unwrap());
        // Has a similar name, and is a user's.
        let foreign = parent.path().join("lab-2024-results");
        fs::create_dir(&foreign).unwrap();
        let named_otherwise = parent.path().join("notes");
        fs::create_dir(&named_otherwise).unwrap();
        drop(claim(&named_otherwise).unwrap());
        assert_eq!(of_running(parent.path()), [living.path()]);
        let another = create(parent.path());
        assert!(!gone.exists());
        for stays in [living.path(), another.path(), &kept, &foreign, &named_otherwise] {
            assert!(stays.exists(), "{}", stays.display());
        }
        assert_eq!(fs::read_dir(&kept).unwrap().count(), 0, "what is kept bears no claim");
    }

    #[test]
    fn nothing_is_left_when_it_is_dropped() {
        let parent = tempfile::tempdir().unwrap();
        drop(create(parent.path()));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
