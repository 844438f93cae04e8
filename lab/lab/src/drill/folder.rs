//! A drill's folder: `drill.json`, `drill.txt`, and below `cells` the folder of a run for each cell.
//!
//! It appears complete or not at all, as a run's does.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use runtimes::{interrupt::Interrupt, owned_folder::OwnedFolder};
use scenario::diagnostic::Diagnostic;

use super::{result::DrillResult, table};
use crate::{run::machine, runs::DRILL};

/// The folder of the cells.
pub(super) const CELLS: &str = "cells";

/// A drill's folder during the drill. Dropping it before it is kept removes it.
pub(super) struct DrillFolder {
    id: String,
    folder: OwnedFolder,
    kept: PathBuf,
}

impl DrillFolder {
    pub(super) fn create(runs: &Path, system: &str, interrupt: &Interrupt) -> Result<Self> {
        let id = format!("{}-{system}-drill", machine::stamp(machine::now()));
        let cannot = || {
            Diagnostic::new(format!("cannot make a drill's folder in `{}`", runs.display()))
                .hint("`--out DIR` names another folder")
        };
        fs::create_dir_all(runs).with_context(cannot)?;
        let folder = OwnedFolder::create_in(runs, &format!(".{id}-"), |name| name.starts_with('.'))
            .with_context(cannot)?;
        interrupt.remove_at_end(folder.path().to_owned());
        Ok(Self { kept: runs.join(&id), id, folder })
    }

    /// The drill's name.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Where the cells are kept.
    pub(super) fn cells(&self) -> PathBuf {
        self.folder.path().join(CELLS)
    }

    /// Adds the result and renames the folder; uses a longer name if another drill of that second has it.
    pub(super) fn keep(self, result: &DrillResult) -> Result<PathBuf> {
        let write = |name: &str, text: &str| {
            let path = self.folder.path().join(name);
            fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
        };
        write(DRILL, &result.to_json()?)?;
        write("drill.txt", &table::text(result))?;
        let mut kept = self.kept;
        if kept.exists() {
            kept.as_mut_os_string().push(format!("-{}", std::process::id()));
        }
        self.folder.keep_as(&kept)?;
        Ok(kept)
    }
}
