//! The folder of scenarios: finding it, listing it, opening one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Scenario, ScenarioFault, check, fault::Source};
use crate::systems;

/// A folder `scenarios/<system>/<question>.toml`.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
}

impl Library {
    /// The folder that was named, or else `scenarios` in the working directory or the nearest folder above it.
    pub fn find(named: Option<&Path>) -> Result<Self, ScenarioFault> {
        if let Some(root) = named {
            fs::read_dir(root)
                .map_err(|source| ScenarioFault::Unreadable { path: root.to_owned(), source })?;
            return Ok(Self { root: root.to_owned() });
        }
        let from = std::env::current_dir().unwrap_or_default();
        from.ancestors()
            .map(|folder| folder.join("scenarios"))
            .find(|candidate| candidate.is_dir())
            .map(|root| Self { root })
            .ok_or(ScenarioFault::NoLibrary { from })
    }

    /// Every scenario's name, sorted: `shortener/placement`.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for system in children(&self.root).filter(|path| path.is_dir()) {
            for file in children(&system).filter(|path| path.extension().is_some_and(|ext| ext == "toml")) {
                names.push(format!("{}/{}", stem(&system), stem(&file)));
            }
        }
        names.sort();
        names
    }

    /// The scenario of that name; a path to a `.toml` file is a name as well.
    pub fn open(&self, name: &str) -> Result<Scenario, ScenarioFault> {
        let names = self.names();
        if names.iter().any(|known| known == name) {
            return read(&self.root.join(format!("{name}.toml")));
        }
        if is_path(name) {
            return read(Path::new(name));
        }
        Err(ScenarioFault::Unknown { name: name.to_owned(), hint: nearest_scenario(name, &names) })
    }
}

/// Whether a scenario was named by its file.
fn is_path(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

impl Scenario {
    /// Reads a scenario by its name in a library, or by the path of its file, which needs no library.
    pub fn open(name: &str, library: Option<&Path>) -> Result<Self, ScenarioFault> {
        if is_path(name) {
            return read(Path::new(name));
        }
        Library::find(library)?.open(name)
    }

    /// Reads a scenario from text; `path` says which system it belongs to and is named in messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ScenarioFault> {
        check::scenario(&Source { path, text })
    }
}

fn read(path: &Path) -> Result<Scenario, ScenarioFault> {
    let text = fs::read_to_string(path)
        .map_err(|source| ScenarioFault::Unreadable { path: path.to_owned(), source })?;
    Scenario::parse(path, &text)
}

fn nearest_scenario(name: &str, names: &[String]) -> String {
    let by_question = names.iter().find(|known| known.split('/').next_back() == Some(name));
    // A single word may have been meant as a system.
    let system = || (!name.contains('/')).then(|| runtime::nearest(name, systems::names())).flatten();
    let near = by_question
        .map(String::as_str)
        .or_else(system)
        .or_else(|| runtime::nearest(name, names.iter().map(String::as_str)));
    near.map_or_else(
        || "`lab list` shows every system and scenario".to_owned(),
        |near| format!("did you mean `{near}`? `lab list` shows every system and scenario"),
    )
}

/// The last part of a path without its extension; a file system's name that is not text is shown as well as it can be.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// What is in a folder; nothing when it cannot be read.
fn children(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
}
