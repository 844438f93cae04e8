//! A run's folder: `plan.toml`, `machine.json`, each process's wiring file, each arm's latency histogram (HdrHistogram
//! V2, nanoseconds), ledgers, and the report.
//!
//! A folder appears whole or not at all: it is made under a name that begins with a dot, and renamed at the end. What a
//! killed lab left is removed by the next run into the same folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use report::{Report, html, markdown, terminal};
use runtimes::{claimed::Claimed, interrupt::Interrupt, scratch::free_bytes};
use scenario::{complaint::Complaint, plan::Plan};
use time::OffsetDateTime;

use super::machine;
use crate::runs::REPORT;

/// The least room for a run's folder, bytes; a run takes some 200 KiB.
const LEAST_FREE: u64 = 16 << 20;

/// A run's folder while the run goes on. Dropped before it is kept, it is removed.
pub struct RunFolder {
    id: String,
    folder: Claimed,
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
        let id = format!("{}-{question}", machine::stamp(began));
        let cannot = || {
            Complaint::new(format!("cannot make a run's folder in `{}`", runs.display()))
                .hint("`--out DIR` names another folder")
        };
        fs::create_dir_all(runs).with_context(cannot)?;
        if free_bytes(runs)? < LEAST_FREE {
            let what = format!("`{}` has less than {} MiB left", runs.display(), LEAST_FREE >> 20);
            return Err(Complaint::new(what).hint("`--out DIR` names another folder").into());
        }
        let folder = Claimed::create_in(runs, &format!(".{id}-"), |name| name.starts_with('.'))
            .with_context(cannot)?;
        interrupt.remove_at_end(folder.path().to_owned());
        let folder = Self { kept: runs.join(&id), id, folder };
        folder.write("plan.toml", plan.to_toml())?;
        folder.write("machine.json", &serde_json::to_string_pretty(&machine::machine())?)?;
        Ok(folder)
    }

    /// The run's own name.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Writes a file; folders in its name are made.
    pub(super) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> Result<()> {
        write(self.folder.path(), name, text)
    }

    /// Adds the report and gives the folder its name; a longer one if another run of that second has it.
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

/// Draws the report in every form beside its `report.json`.
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
