//! A folder that a lab needs for as long as it runs, and that a later lab removes should this one be killed.

use std::{
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The file that says whose folder it is. The lab holds its lock (flock(2)), which the kernel gives back however the lab
/// ends: whoever gets the lock knows that nobody needs the folder. A process id says less, for it is given again, and
/// means nothing in another container.
const CLAIM: &str = ".claimed-by-a-running-lab";
/// The same before it is locked.
const UNNAMED: &str = ".claim";

/// The folder. Dropping it removes it.
#[derive(Debug)]
pub struct Claimed {
    folder: PathBuf,
    is_kept: bool,
    /// Where locks cannot be had, there is none, and nobody removes the folder of a killed lab.
    _claim: Option<File>,
}

impl Claimed {
    /// Makes a folder with a name that begins so, and removes those like it whose labs are gone.
    ///
    /// Nothing else is removed, whatever its name: a folder without a claim is not a lab's.
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

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Gives the folder a name for good: it is nobody's claim any more.
    pub fn keep_as(mut self, name: &Path) -> Result<()> {
        let made = &self.folder;
        fs::rename(made, name)
            .with_context(|| format!("cannot rename `{}` to `{}`", made.display(), name.display()))?;
        self.is_kept = true;
        let _ = fs::remove_file(name.join(CLAIM));
        Ok(())
    }
}

impl Drop for Claimed {
    fn drop(&mut self) {
        if !self.is_kept {
            remove(&self.folder);
        }
    }
}

/// Removes a folder with its claim last: what cannot be removed now, because somebody still writes there, is removed by
/// a later lab.
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
    // Not there under its name before it is locked: somebody else's lab may be looking for stale folders.
    let unnamed = folder.join(UNNAMED);
    let claim = File::create(&unnamed)?;
    claim.try_lock()?;
    fs::rename(&unnamed, folder.join(CLAIM))?;
    Ok(claim)
}

/// The folders below another whose labs are running: those whose claims are locked.
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

/// Nothing else is opened: a pipe of that name would wait for somebody to write.
fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|claim| claim.is_file())
}

/// Removes the folders of labs that are gone. What cannot be removed is somebody else's, and stays.
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

    fn create(parent: &Path) -> Claimed {
        Claimed::create_in(parent, "lab-", |name| name.starts_with("lab-")).unwrap()
    }

    #[test]
    fn the_folder_of_a_lab_that_is_gone_is_removed_and_no_other() {
        let parent = tempfile::tempdir().unwrap();
        let living = create(parent.path());
        let kept = parent.path().join("lab-kept");
        create(parent.path()).keep_as(&kept).unwrap();
        // As a killed lab leaves it: a claim whose lock nobody holds.
        let gone = parent.path().join("lab-4711-abcdef");
        fs::create_dir(&gone).unwrap();
        drop(claim(&gone).unwrap());
        // Looks like one, and is somebody's work.
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
