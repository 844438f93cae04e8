//! Which module of a crate imports which, as the tests of the tree read it.
//!
//! A module is a file or folder directly below a crate's `src`. What the crate's root re-exports counts as the module
//! that it comes from; what the root defines itself belongs to no module. A module's tests may look at it from outside,
//! so what stands under `#[cfg(test)]` is left out.

use std::collections::BTreeSet;

use crate::tree::{Crate, Text};

/// An import: from which module to which.
type Edge = (String, String);

/// The pairs of modules of a crate that import each other, each in the order of the alphabet; `files` are those of the
/// whole project.
pub fn mutual_pairs(member: &Crate, files: &[Text]) -> Vec<Edge> {
    let folder = format!("{}/src/", member.folder);
    let inside = |file: &Text| {
        let path = file.path.strip_prefix(&folder)?.to_owned();
        Some(Text { path, text: file.text.clone() })
    };
    pairs(&files.iter().filter_map(inside).collect::<Vec<_>>())
}

/// The same of files whose paths begin below `src`.
fn pairs(files: &[Text]) -> Vec<Edge> {
    let modules: BTreeSet<String> =
        files.iter().filter_map(|file| place(&file.path).into_iter().next()).collect();
    let root = files.iter().find(|file| file.path == "lib.rs").map_or("", |file| file.text.as_str());
    let exported: Vec<(String, String)> = uses(&without_comments(root))
        .into_iter()
        .filter(|path| path.len() > 1 && modules.contains(&path[0]))
        .filter_map(|path| Some((path.last()?.clone(), path[0].clone())))
        .collect();
    let edges: BTreeSet<Edge> = files.iter().flat_map(|file| imports(file, &modules, &exported)).collect();
    let is_mutual = |(from, to): &&Edge| from < to && edges.contains(&(to.clone(), from.clone()));
    edges.iter().filter(is_mutual).cloned().collect()
}

/// What a file imports from other modules of its crate.
fn imports(file: &Text, modules: &BTreeSet<String>, exported: &[(String, String)]) -> Vec<Edge> {
    let place = place(&file.path);
    let is_test = |part: &str| part == "tests" || part == "tests.rs";
    let Some(own) = place.first().filter(|_| !file.path.split('/').any(is_test)) else {
        return Vec::new();
    };
    let text = shipped(&without_comments(&file.text));
    let absolute = |path: Vec<String>| {
        if path[0] == "crate" {
            return path[1..].to_vec();
        }
        let up = path.iter().take_while(|part| *part == "super").count();
        let skipped = up + usize::from(path[0] == "self");
        let kept = place.len().saturating_sub(up);
        place[..kept].iter().chain(&path[skipped..]).cloned().collect()
    };
    let target = |path: Vec<String>| {
        let first = path.into_iter().next()?;
        let origin = || exported.iter().find(|(name, _)| *name == first).map(|(_, from)| from.clone());
        if modules.contains(&first) { Some(first) } else { origin() }
    };
    let own_crate = |path: &Vec<String>| {
        path.first().is_some_and(|first| ["crate", "super", "self"].contains(&first.as_str()))
    };
    let found = uses(&text).into_iter().chain(inline(&text)).filter(own_crate);
    found
        .filter_map(|path| target(absolute(path)))
        .filter(|to| to != own)
        .map(|to| (own.clone(), to))
        .collect()
}

/// Where a file stands below the root: `run/faults.rs` is `run`, `faults`, and `lib.rs` nothing.
fn place(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let last = parts.last().map(String::as_str);
    let is_root = parts.len() == 1 && matches!(last, Some("lib" | "main")) || parts[0] == "bin";
    if is_root {
        return Vec::new();
    }
    if last == Some("mod") {
        parts.pop();
    }
    parts
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned() + "\n";
    text.lines().map(code).collect()
}

/// A file up to the tests that it ends with.
fn shipped(text: &str) -> String {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned()
}

/// Every path of every `use`, its braces resolved: `use a::{b, c::d as e};` are `a::b` and `a::c::d`.
fn uses(text: &str) -> Vec<Vec<String>> {
    let starts = text.match_indices("use ").filter(|(at, _)| {
        let before = text[..*at].rsplit('\n').next().unwrap_or_default().trim();
        before.is_empty() || before.starts_with("pub")
    });
    let tree = |(at, word): (usize, &str)| text[at + word.len()..].split(';').next().unwrap_or_default();
    starts.map(tree).flat_map(paths).collect()
}

/// The paths of a tree of `use`.
fn paths(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim();
    let Some((before, inside)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default();
        let parts = path.split("::").map(|part| part.trim().to_owned());
        return vec![parts.filter(|part| !part.is_empty()).collect()];
    };
    let inside = inside.rsplit_once('}').map_or(inside, |(inside, _)| inside);
    branches(inside).into_iter().flat_map(|branch| paths(&format!("{before}{branch}"))).collect()
}

/// The parts between the commas that no brace encloses.
fn branches(inside: &str) -> Vec<String> {
    let (mut found, mut depth) = (vec![String::new()], 0_u32);
    for c in inside.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found.retain(|branch| !branch.trim().is_empty());
    found
}

/// Paths that are written out where they are used: `crate::output::talk(...)`.
fn inline(text: &str) -> Vec<Vec<String>> {
    let starts = ["crate::", "super::"].into_iter().flat_map(|word| text.match_indices(word));
    let is_begun = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$".contains(c));
    let path = |(at, _): (usize, &str)| {
        let end = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        let path = text[at..].split(end).next().unwrap_or_default();
        path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    // What begins a tree of `use` is one of its paths already, and leads to the same modules or to the root.
    starts.filter(|(at, _)| is_begun(*at)).map(path).filter(|path| path.len() > 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<Edge> {
        let text = |(path, text): &(&str, &str)| Text { path: (*path).to_owned(), text: (*text).to_owned() };
        pairs(&files.iter().map(text).collect::<Vec<_>>())
    }

    fn pair() -> Vec<Edge> {
        vec![("a".to_owned(), "b".to_owned())]
    }

    #[test]
    fn modules_that_import_each_other_are_found_however_it_is_written() {
        let there = ("b.rs", "use crate::a::A;\n");
        for back in [
            ("a.rs", "use crate::{\n    b::{self, B},\n    c,\n};\n"),
            ("a.rs", "use super::b;\n"),
            ("a/deep/inside.rs", "fn f() {\n    super::super::super::b::g();\n}\n"),
            ("a/mod.rs", "fn f(x: crate::b::B) {}\n"),
        ] {
            assert_eq!(found(&[there, back]), pair(), "{back:?}");
        }
    }

    #[test]
    fn what_the_root_exports_counts_as_the_module_that_it_comes_from() {
        let root = ("lib.rs", "mod a;\nmod b;\npub use b::{B, Other as Renamed};\n");
        let (a, b) = (("a.rs", "use crate::B;\n"), ("b.rs", "use crate::a::A;\n"));
        assert_eq!(found(&[root, a, b]), pair());
    }

    #[test]
    fn one_way_is_no_pair_and_neither_are_tests_comments_and_other_crates() {
        let there = ("b.rs", "use crate::a::A;\n");
        for back in [
            ("a.rs", "// use crate::b::B;\nuse std::b;\n"),
            ("a.rs", "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::b::B;\n}\n"),
            ("a/tests.rs", "use crate::b::B;\n"),
            ("a/x.rs", "use super::b;\n"),
            ("bin/a.rs", "use crate::b;\n"),
        ] {
            assert_eq!(found(&[there, back]), [], "{back:?}");
        }
    }
}
