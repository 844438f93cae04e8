//! The folder of scenarios: finding it, listing it, opening one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{Scenario, ScenarioFault, check, fault::Source};
use crate::systems;

/// A folder `scenarios/<folder>/<question>.toml`: a folder is a system, or a theme whose files name their systems.
#[derive(Clone, Debug)]
pub struct Library {
    root: PathBuf,
}

impl Library {
    /// The given folder, or `scenarios` in the working directory or the nearest folder above it.
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

    /// The names of all scenarios, sorted: `shortener/placement`.
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

    /// The names of the scenarios in a folder, a system's or a theme's; none if there is no such folder.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let is_in = |name: &String| name.split_once('/').is_some_and(|(its, _)| its == folder);
        self.names().into_iter().filter(is_in).collect()
    }

    /// The scenario with this name, or at this path of a `.toml` file.
    pub fn open(&self, name: &str) -> Result<Scenario, ScenarioFault> {
        let names = self.names();
        if names.iter().any(|known| known == name) {
            return read(&self.root.join(format!("{name}.toml")));
        }
        if is_path(name) {
            return read(Path::new(name));
        }
        let about = self.about(name);
        let what = unknown(name, !about.is_empty());
        let hint = listed(&about).unwrap_or_else(|| nearest_scenario(name, &names));
        Err(ScenarioFault::Unknown { what, hint })
    }

    /// The scenarios of a theme, or those about a system, wherever they are.
    fn about(&self, name: &str) -> Vec<String> {
        let in_folder = self.names_in(name);
        if !in_folder.is_empty() || systems::find(name).is_none() {
            return in_folder;
        }
        let is_about = |known: &String| {
            let path = self.root.join(format!("{known}.toml"));
            read(&path).is_ok_and(|scenario| scenario.system.name == name)
        };
        self.names().into_iter().filter(is_about).collect()
    }
}

/// `there is A, B`, unless there is nothing.
fn listed(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| format!("there is `{}`", names.join("`, `")))
}

/// Whether a scenario was given by its path.
fn is_path(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

impl Scenario {
    /// Parses a scenario by its name in a library, or by its path, which needs no library.
    pub fn open(name: &str, library: Option<&Path>) -> Result<Self, ScenarioFault> {
        if is_path(name) {
            return read(Path::new(name));
        }
        Library::find(library)?.open(name)
    }

    /// Parses a scenario from text; `path` determines its system and appears in messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ScenarioFault> {
        check::scenario(&Source { path, text, folder: folder_name(path) })
    }
}

fn read(path: &Path) -> Result<Scenario, ScenarioFault> {
    let text = fs::read_to_string(path)
        .map_err(|source| ScenarioFault::Unreadable { path: path.to_owned(), source })?;
    Scenario::parse(path, &text)
}

/// The name of a file's folder, also for relative paths such as `x.toml` and `./x.toml`.
fn folder_name(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}

/// The message for a name without a scenario; `has_scenarios`: it is a folder, or a system that scenarios are about.
fn unknown(name: &str, has_scenarios: bool) -> String {
    if systems::find(name).is_some() {
        return format!("`{name}` is a system, and this wants one of its scenarios");
    }
    if has_scenarios {
        return format!("`{name}` is a theme, and this wants one of its scenarios");
    }
    format!("there is no scenario `{name}`")
}

/// The nearest scenarios: all with the same question, or the most similar; or the most similar folder.
fn nearest_scenario(name: &str, names: &[String]) -> String {
    let is_question = |known: &&String| known.split_once('/').is_some_and(|(_, question)| question == name);
    let by_question: Vec<&str> = names.iter().filter(is_question).map(String::as_str).collect();
    // A single word may be meant as a system or a theme.
    let mut folders: Vec<&str> =
        names.iter().filter_map(|known| known.split_once('/')).map(|(it, _)| it).collect();
    folders.dedup();
    let known = systems::names().into_iter().chain(folders);
    let system = || (!name.contains('/')).then(|| design::nearest(name, known)).flatten();
    let near = match by_question.as_slice() {
        [] => system().or_else(|| design::nearest(name, names.iter().map(String::as_str))).map(str::to_owned),
        several => Some(several.join("` or `")),
    };
    near.map_or_else(
        || "`lab list` shows every system and scenario".to_owned(),
        |near| format!("did you mean `{near}`? `lab list` shows every system and scenario"),
    )
}

/// The last part of a path without its extension; non-UTF-8 characters are replaced.
fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The entries of a folder; empty if it cannot be read.
fn children(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Library {
        Library::find(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios"))).unwrap()
    }

    #[track_caller]
    fn diagnostic(name: &str) -> String {
        shipped().open(name).map(|scenario| scenario.name).unwrap_err().to_string()
    }

    #[test]
    fn a_system_in_place_of_a_scenario_is_answered_with_its_scenarios() {
        let said = diagnostic("limiter");
        let (what, hint) = said.split_once("\nhint: ").unwrap();
        assert_eq!(what, "`limiter` is a system, and this wants one of its scenarios");
        for name in shipped().names() {
            assert_eq!(hint.contains(&format!("`{name}`")), name.starts_with("limiter/"), "{name}: {hint}");
        }
    }

    #[test]
    fn a_theme_or_a_system_without_a_folder_is_answered_with_its_scenarios() {
        let said = diagnostic("resilience");
        assert!(said.starts_with("`resilience` is a theme, and this wants one of its scenarios\n"), "{said}");
        assert!(said.contains("there is `resilience/"), "{said}");
        let said = diagnostic("chain");
        assert!(said.starts_with("`chain` is a system, and this wants one of its scenarios\n"), "{said}");
        assert!(said.contains("`resilience/metastable`"), "{said}");
        assert!(diagnostic("resiliense").contains("did you mean `resilience`?"));
    }

    #[test]
    fn a_scenario_of_a_theme_is_named_after_the_theme_and_is_about_its_system() {
        let scenario = shipped().open("resilience/metastable").unwrap();
        assert_eq!((scenario.name.as_str(), scenario.system.name), ("resilience/metastable", "chain"));
    }

    #[test]
    fn a_question_that_several_systems_have_is_answered_with_all() {
        let names = shipped().names();
        let placements: Vec<&str> =
            names.iter().filter(|it| it.ends_with("/placement")).map(String::as_str).collect();
        assert!(placements.len() > 1, "{names:?}");
        let said = diagnostic("placement");
        assert!(said.contains(&format!("did you mean `{}`?", placements.join("` or `"))), "{said}");
    }

    #[test]
    fn a_name_that_is_near_another_is_answered_with_it() {
        assert!(diagnostic("shortner").contains("did you mean `shortener`?"));
        assert!(diagnostic("shortener/cahce").contains("did you mean `shortener/cache`?"));
        assert!(diagnostic("zzzzzzzzzzzz").ends_with("hint: `lab list` shows every system and scenario"));
    }

    #[test]
    fn a_file_belongs_to_the_system_of_its_folder_however_it_was_called() {
        assert_eq!(folder_name(Path::new("scenarios/shortener/x.toml")), "shortener");
        let here = std::env::current_dir().unwrap();
        let here = here.file_name().unwrap().to_string_lossy();
        assert_eq!(folder_name(Path::new("x.toml")), here);
        assert_eq!(folder_name(Path::new("./x.toml")), here);
    }
}
