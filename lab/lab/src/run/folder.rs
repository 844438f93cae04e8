//! A run's folder: `plan.toml`, `machine.json`, each process's process configuration, each arm's latency histogram
//! (HdrHistogram V2, nanoseconds), ledgers, and the report.
//!
//! A folder appears complete or not at all: its name begins with a dot until it is renamed at the end. The
//! next run removes what a killed lab left.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use report::{Report, html, markdown, terminal};
use runtimes::{interrupt::Interrupt, owned_folder::OwnedFolder, scratch::free_bytes};
use scenario::{diagnostic::Diagnostic, plan::Plan};
use time::OffsetDateTime;

use super::machine;
use crate::runs::REPORT;

/// The least free disk space, in bytes; a run takes some 200 KiB.
const LEAST_FREE: u64 = 16 << 20;

/// A run's folder during the run. Dropping it before it is kept removes it.
pub struct RunFolder {
    id: String,
    folder: OwnedFolder,
    kept: PathBuf,
}

impl RunFolder {
    pub(super) fn create(
        runs: &Path,
        plan: &Plan,
        began: OffsetDateTime,
        interrupt: &Interrupt,
    ) -> Result<Self> {
        let question = plan.scenario.name.replace('/', "-");
        Self::named(runs, format!("{}-{question}", machine::stamp(began)), plan, interrupt)
    }

    /// The same with a name of its own.
    pub(super) fn named(runs: &Path, id: String, plan: &Plan, interrupt: &Interrupt) -> Result<Self> {
        let cannot = || {
            Diagnostic::new(format!("cannot make a run's folder in `{}`", runs.display()))
                .hint("`--out DIR` names another folder")
        };
        fs::create_dir_all(runs).with_context(cannot)?;
        if free_bytes(runs)? < LEAST_FREE {
            let what = format!("`{}` has less than {} MiB left", runs.display(), LEAST_FREE >> 20);
            return Err(Diagnostic::new(what).hint("`--out DIR` names another folder").into());
        }
        let folder = OwnedFolder::create_in(runs, &format!(".{id}-"), |name| name.starts_with('.'))
            .with_context(cannot)?;
        interrupt.remove_at_end(folder.path().to_owned());
        let folder = Self { kept: runs.join(&id), id, folder };
        folder.write("plan.toml", plan.to_toml())?;
        folder.write("machine.json", &serde_json::to_string_pretty(&machine::machine())?)?;
        Ok(folder)
    }

    /// The run's name.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Writes a file; creates its folders.
    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<()> {
        write(self.folder.path(), name, text)
    }

    /// Adds the report and renames the folder; uses a longer name if another run of that second has it.
    pub(super) fn keep(self, report: &Report) -> Result<PathBuf> {
        self.write(REPORT, &serde_json::to_string_pretty(report)?)?;
        draw(self.folder.path(), report)?;
        let mut kept = self.kept;
        if kept.exists() {
            kept.as_mut_os_string().push(format!("-{}", std::process::id()));
        }
        self.folder.keep_as(&kept)?;
        Ok(kept)
    }
}

/// Renders the report in every form beside its `report.json`.
pub(super) fn draw(folder: &Path, report: &Report) -> Result<()> {
    write(folder, "report.html", html::render(report))?;
    write(folder, "report.md", markdown::render(report))?;
    write(folder, "report.txt", anstream::adapter::strip_str(&terminal::render(report)).to_string())
}

fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> Result<()> {
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make `{}`", parent.display()))?;
    }
    fs::write(&path, text).with_context(|| format!("cannot write `{}`", path.display()))
}
