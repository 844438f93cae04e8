//! The project's files, as the tests of the tree read them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// One text file of the project.
#[derive(Debug)]
pub struct Text {
    /// Its path from the root, with `/`: `lab/lab/src/main.rs`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is in the project")
}

/// Every text file: what git ignores (`target`, `runs`) and git's own folder are left out.
pub fn texts() -> Vec<Text> {
    let mut texts = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder").filter_map(Result::ok) {
            let (path, name) = (entry.path(), entry.file_name());
            if name == ".git" || [root().join("target"), root().join("runs")].contains(&path) {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = fs::read_to_string(&path) {
                texts.push(Text { path: from_root(&path), text });
            }
        }
    }
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    texts
}

fn from_root(path: &Path) -> String {
    path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/")
}

/// Every text file of this kind: `rs`, `md`.
pub fn texts_of(extension: &str) -> Vec<Text> {
    let is_of = |text: &Text| Path::new(&text.path).extension().is_some_and(|found| found == extension);
    texts().into_iter().filter(is_of).collect()
}

/// Every `.rs` file that is part of what the project ships, without its tests and benches.
pub fn sources() -> Vec<Text> {
    let is_test = |path: &str| {
        let path = Path::new(path);
        let in_tests = path.components().any(|part| part.as_os_str() == "tests");
        in_tests || path.starts_with("benches") || path.ends_with("tests.rs")
    };
    texts_of("rs").into_iter().filter(|text| !is_test(&text.path)).collect()
}

/// The file at that path from the root.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("`{path}`: {error}"))
}

/// One crate of the workspace.
#[derive(Debug)]
pub struct Crate {
    /// Its folder from the root.
    pub folder: String,
    /// What it depends on when it is built, without what only its tests need.
    pub dependencies: BTreeSet<String>,
}

/// Every crate of the workspace by its name.
pub fn crates() -> BTreeMap<String, Crate> {
    let workspace: toml::Table = read("Cargo.toml").parse().expect("TOML");
    let members = workspace["workspace"]["members"].as_array().expect("members");
    let member = |folder: &str| {
        let manifest: toml::Table = read(&format!("{folder}/Cargo.toml")).parse().expect("TOML");
        let name = manifest["package"]["name"].as_str().expect("a name").to_owned();
        let dependencies =
            manifest["dependencies"].as_table().expect("dependencies").keys().cloned().collect();
        (name, Crate { folder: folder.to_owned(), dependencies })
    };
    members.iter().map(|folder| member(folder.as_str().expect("a folder"))).collect()
}

/// Every function of a source file that `rustfmt` has formatted: its name and how many lines it takes.
pub fn functions(source: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = source.lines().collect();
    let mut functions = Vec::new();
    for (first, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let closes =
            |line: &str| line.strip_prefix(indent).is_some_and(|rest| rest == "}" || is_declared(rest));
        let is_one_line = line.ends_with('}') || line.ends_with(';');
        let length =
            if is_one_line { 0 } else { lines[first..].iter().position(|line| closes(line)).unwrap_or(0) };
        functions.push((name.to_owned(), length + 1));
    }
    functions
}

/// The name of the function that begins on this line.
fn function(line: &str) -> Option<&str> {
    let words = line.trim_start();
    let (before, after) = words.split_once("fn ")?;
    let known = ["pub", "const", "async", "unsafe", "extern", "pub(crate)", "pub(super)"];
    let is_function = before.split_whitespace().all(|word| known.contains(&word));
    is_function.then(|| after.split(['(', '<']).next()).flatten()
}

/// The end of a signature without a body: `) -> Length;`.
fn is_declared(rest: &str) -> bool {
    rest.starts_with(')') && rest.ends_with(';')
}

/// Every relative link of a Markdown text, code left out: the path and the part after `#`.
pub fn links(markdown: &str) -> Vec<(String, String)> {
    let mut links = Vec::new();
    for line in prose(markdown) {
        for after in line.split("](").skip(1) {
            let target = after.split([')', ' ']).next().unwrap_or_default();
            if !target.contains("://") && !target.starts_with("mailto:") {
                let (path, part) = target.split_once('#').unwrap_or((target, ""));
                links.push((path.to_owned(), part.to_owned()));
            }
        }
    }
    links
}

/// The lines of a Markdown text that are not code.
fn prose(markdown: &str) -> impl Iterator<Item = &str> {
    let mut in_code = false;
    markdown.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        !in_code && !fence
    })
}

/// The names by which the headings of a Markdown text are linked to, as GitHub makes them.
pub fn anchors(markdown: &str) -> Vec<String> {
    let headings = prose(markdown).filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        let kept = words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// The lines of a Markdown text that hold more than one sentence; tables and headings are left out.
pub fn crowded(markdown: &str) -> Vec<&str> {
    let is_text = |line: &&str| !line.trim_start().starts_with(['|', '#']);
    prose(markdown).filter(is_text).filter(|line| sentences(line) > 1).collect()
}

/// How many sentences a line holds, as far as a full stop before a capital shows it.
fn sentences(line: &str) -> usize {
    // The number of a list's item ends with a full stop as well.
    let text = line.trim_start().trim_start_matches(|c: char| c.is_ascii_digit()).trim_start_matches('.');
    let words = without_quotes(text);
    let words: Vec<&str> = words.split_whitespace().collect();
    let is_end = |word: &str| {
        let stopped = word.trim_end_matches('*').strip_suffix(['.', '?', '!']);
        // An initial and an ellipsis end none.
        stopped.is_some_and(|word| word.ends_with(|c: char| c == QUOTE || !(c.is_uppercase() || c == '.')))
    };
    let is_start = |word: &str| word.trim_start_matches(['*', '[']).starts_with(char::is_uppercase);
    1 + words.windows(2).filter(|pair| is_end(pair[0]) && is_start(pair[1])).count()
}

/// What stands for a quotation and for code in a sentence.
const QUOTE: char = 'X';

/// The text with each quotation and each piece of code as one capital letter: sentences in them are not the line's.
fn without_quotes(text: &str) -> String {
    let (mut kept, mut open) = (String::new(), None);
    for c in text.chars() {
        match open {
            Some(mark) if mark == c => {
                open = None;
                kept.push(QUOTE);
            }
            Some(_) => {}
            None if matches!(c, '`' | '"') => open = Some(c),
            None => kept.push(c),
        }
    }
    kept
}

/// Where a link in a file leads, from the root.
pub fn resolved(file: &str, path: &str) -> PathBuf {
    let folder = Path::new(file).parent().unwrap_or(Path::new(""));
    if path.is_empty() { root().join(file) } else { root().join(folder).join(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_with_their_length() {
        let source = "pub fn one() {}\n\nimpl A {\n    async fn three(\n        a: u8,\n    ) -> u8 {\n        a\n    }\n}\n";
        assert_eq!(functions(source), [("one".to_owned(), 1), ("three".to_owned(), 5)]);
        assert_eq!(functions("    fn said(\n        a: u8,\n    ) -> u8;\n"), [("said".to_owned(), 3)]);
        assert_eq!(functions("    let run: fn (u8) = |_| ();\n// a fn of sorts\n"), []);
    }

    #[test]
    fn links_are_found_outside_code() {
        let text = "See [a](b.md#c) and [d](https://e.f).\n```\n[x](y)\n```\n";
        assert_eq!(links(text), [("b.md".to_owned(), "c".to_owned())]);
        assert_eq!(anchors("# The `--quick` form\n"), ["the---quick-form"]);
    }

    #[test]
    fn lines_of_more_than_one_sentence_are_found() {
        let sound = [
            "1. One of J. Doe's.",
            "   \"Who? We!\" is `a. B` quoted.",
            "| A. B | c. D |",
            "# No. One",
            "```",
            "a. B",
            "```",
        ];
        assert_eq!(crowded(&sound.join("\n")), [""; 0]);
        let crowded_ones = ["- **One.** Two.", "Is it? Yes.", "`a` ends here. `b` begins."];
        assert_eq!(crowded(&crowded_ones.join("\n")), crowded_ones);
    }
}
