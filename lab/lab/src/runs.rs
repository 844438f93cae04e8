//! The folder of runs: finds one by path, by name, or the latest.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use report::{Report, model::SCHEMA};
use scenario::diagnostic::{Diagnostic, did_you_mean};

/// The file from which every other form of a report is rendered; an interrupted run has none.
pub const REPORT: &str = "report.json";

/// The file of a drill, whose cells are runs of their own.
pub const DRILL: &str = "drill.json";

/// The folder of a run: a path, a name in `runs` or its beginning, or `latest`.
///
/// Fails with a hint if there is none, or if the run is incomplete.
pub fn find(name: &str, runs: &Path) -> Result<PathBuf> {
    let folder = if name == "latest" {
        latest(runs)?
    } else if Path::new(name).is_dir() {
        PathBuf::from(name)
    } else {
        named(name, runs)?
    };
    if folder.join(REPORT).is_file() {
        return Ok(folder);
    }
    if folder.join(DRILL).is_file() {
        let what = format!("`{}` is a drill, and no run", folder.display());
        let hint = format!("each of its cells is a run: name a folder in `{}/cells`", folder.display());
        return Err(Diagnostic::new(what).hint(hint).into());
    }
    let what = format!("the run `{}` is incomplete: it has no `{REPORT}`", folder.display());
    Err(Diagnostic::new(what)
        .hint("it was broken off, or it is not a run's folder; `lab run` makes a new one")
        .into())
}

/// The report of a run's folder.
pub fn read(folder: &Path) -> Result<Report> {
    let path = folder.join(REPORT);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let report: Report = serde_json::from_str(&text).map_err(|error| {
        Diagnostic::new(format!("`{}` is not a report: {error}", path.display()))
            .hint(format!("this lab reads the schema `{SCHEMA}`"))
    })?;
    if report.schema != SCHEMA {
        let what = format!("`{}` has the schema `{}`", path.display(), report.schema);
        return Err(Diagnostic::new(what).hint(format!("this lab reads the schema `{SCHEMA}`")).into());
    }
    Ok(report)
}

fn named(name: &str, runs: &Path) -> Result<PathBuf> {
    let folder = runs.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    let known = names(runs);
    let begins: Vec<&String> = known.iter().filter(|run| run.starts_with(name)).collect();
    match begins[..] {
        [only] => return Ok(runs.join(only)),
        [] => {}
        [one, other, ..] => {
            let what = format!("`{name}` is how {} runs begin", begins.len());
            let hint = format!("say more of the name: `{one}`, `{other}`, ...");
            return Err(Diagnostic::new(what).hint(hint).into());
        }
    }
    let hint = if known.is_empty() {
        format!("`{}` holds no runs; `lab run` makes one", runs.display())
    } else {
        did_you_mean(name, known.iter().map(String::as_str))
    };
    Err(Diagnostic::new(format!("there is no run `{name}`")).hint(hint).into())
}

/// The complete run with the newest report.
fn latest(runs: &Path) -> Result<PathBuf> {
    let written = |name: &String| {
        let report = fs::metadata(runs.join(name).join(REPORT)).ok()?;
        Some((report.modified().ok()?, runs.join(name)))
    };
    let newest = names(runs).iter().filter_map(written).max();
    newest.map(|(_, folder)| folder).ok_or_else(|| {
        Diagnostic::new(format!("`{}` holds no complete run", runs.display()))
            .hint("`lab run shortener/placement --quick` makes one; `--runs DIR` looks elsewhere")
            .into()
    })
}

/// The names of all runs, sorted. A name with a leading dot is an incomplete run.
fn names(runs: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(runs)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_is_the_last_that_was_completed() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["1-a", "2-b", "3-broken-off"] {
            fs::create_dir(runs.path().join(name)).unwrap();
        }
        fs::write(runs.path().join("2-b").join(REPORT), "{}").unwrap();
        fs::create_dir(runs.path().join(".4-killed")).unwrap();
        fs::write(runs.path().join(".4-killed").join(REPORT), "{}").unwrap();
        assert_eq!(find("latest", runs.path()).unwrap(), runs.path().join("2-b"));
    }

    #[test]
    fn a_run_is_known_by_how_it_alone_begins() {
        let runs = tempfile::tempdir().unwrap();
        for name in ["2026-01-31-a", "2026-01-31-b", "2026-02-01-a"] {
            fs::create_dir(runs.path().join(name)).unwrap();
            fs::write(runs.path().join(name).join(REPORT), "{}").unwrap();
        }
        assert_eq!(find("2026-02", runs.path()).unwrap(), runs.path().join("2026-02-01-a"));
        let error = find("2026-01", runs.path()).unwrap_err().to_string();
        assert!(
            error.contains("2 runs") && error.contains("2026-01-31-b") && error.contains("hint:"),
            "{error}"
        );
    }

    #[test]
    fn an_incomplete_or_unknown_run_is_refused_with_a_hint() {
        let runs = tempfile::tempdir().unwrap();
        fs::create_dir(runs.path().join("2026-a")).unwrap();
        let incomplete = find("2026-a", runs.path()).unwrap_err().to_string();
        assert!(incomplete.contains("incomplete") && incomplete.contains("hint:"), "{incomplete}");
        let unknown = find("2026-b", runs.path()).unwrap_err().to_string();
        assert!(unknown.contains("did you mean `2026-a`"), "{unknown}");
    }
}
