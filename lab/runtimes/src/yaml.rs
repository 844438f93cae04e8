//! The YAML files that the lab writes: templates, and quoting.
//!
//! The templates are in `lab/runtimes/templates`, in Jinja's language (<https://docs.rs/minijinja>): YAML as
//! it will be, with comments for its readers. A line with only a statement leaves no empty line.

use std::sync::LazyLock;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};
use serde_json::{Map, Value};

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(($name, include_str!(concat!("../templates/", $name, ".yaml.j2")))),+]
    };
}

/// Every template: its name is its path in `lab/runtimes/templates`.
const TEMPLATES: [(&str, &str); 11] = templates![
    "balancer",
    "compose",
    "kubernetes/base/kustomization",
    "kubernetes/base/network",
    "kubernetes/base/service-account",
    "kubernetes/overlay/kustomization",
    "kubernetes/overlay/namespace",
    "kubernetes/overlay/network",
    "kubernetes/overlay/process",
    "kubernetes/overlay/provider",
    "kubernetes/overlay/stores",
];

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.expect("the usual delimiters"));
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.add_filter("scalar", scalar);
    environment.add_filter("word", for_compose);
    environment.add_filter("words", list);
    environment.add_filter("comment", comment);
    environment.add_filter("wrapped", wrapped);
    for (name, text) in TEMPLATES {
        environment.add_template(name, text).expect("a template of this program is one");
    }
    environment
});

/// Renders a template of `lab/runtimes/templates`, by its path there without `.yaml.j2`, with the members of
/// these objects.
///
/// # Panics
///
/// If there is no such template, or it uses a name that no object has.
pub(crate) fn render<const N: usize>(name: &str, objects: [Value; N]) -> String {
    let members = |object| match object {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let members: Map<String, Value> = objects.into_iter().flat_map(members).collect();
    let template = ENVIRONMENT.get_template(name).expect("a template of this program");
    template.render(Serde(members)).expect("a template names what it is given")
}

/// A word for compose, which reads `$$` as `$`.
fn for_compose(word: &str) -> String {
    scalar(&word.replace('$', "$$"))
}

/// `[one, "two words"]`.
#[expect(clippy::needless_pass_by_value, reason = "a filter is given its arguments")]
fn list(words: Vec<String>) -> String {
    format!("[{}]", words.iter().map(|word| for_compose(word)).collect::<Vec<_>>().join(", "))
}

/// The longest line of a comment, characters.
const COMMENT: usize = 100;

/// Lines as comments.
fn comment(lines: &str) -> String {
    let line = |line: &str| format!("# {line}").trim_end().to_owned();
    lines.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Text as a comment, wrapped.
fn wrapped(text: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if lines[last].len() + 1 + word.len() > COMMENT {
            lines.push("#".to_owned());
        }
        lines.last_mut().into_iter().for_each(|line| line.extend([" ", word]));
    }
    lines.join("\n")
}

/// Words with a meaning other than their text in YAML 1.1 or 1.2: kubectl and compose read one or the other.
const MEAN_SOMETHING: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];

/// A word as a scalar with this text: unquoted only if it can mean nothing else.
pub(crate) fn scalar(word: &str) -> String {
    let first = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        || ["./", "../"].iter().any(|path| word.starts_with(path));
    let bare = word.chars().all(|c| c.is_ascii_alphanumeric() || "_-./=@".contains(c))
        || word.split(':').all(|part| {
            part.len() > 1 && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        });
    let means_something = MEAN_SOMETHING.iter().any(|other| other.eq_ignore_ascii_case(word));
    if first && bare && !means_something {
        word.to_owned()
    } else {
        // Every JSON string is a valid double-quoted YAML scalar.
        serde_json::to_string(word).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_bare_only_where_it_can_mean_nothing_else() {
        for word in
            ["postgres:15-bookworm", "max_connections=200", "PLAINTEXT://:9092", "./a", "/tmp", "lean"]
        {
            assert_eq!(scalar(word), word);
        }
        for word in
            ["", "-c", "true", "True", "NO", "n", "Y", "off", "null", "~", "1", "1e3", "0x1f", ".5", ".inf"]
        {
            assert_eq!(scalar(word), format!("\"{word}\""));
        }
        for word in ["a: b", "22:22", "#no", "a,b", "[a]", "*a", "&a", "!a", "2026-01-01"] {
            assert_eq!(scalar(word), format!("\"{word}\""));
        }
    }

    #[test]
    fn every_template_can_be_rendered() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let mut folders = vec![folder.clone()];
        let mut found = Vec::new();
        while let Some(inside) = folders.pop() {
            for entry in std::fs::read_dir(inside).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                } else {
                    let name = entry.strip_prefix(&folder).unwrap().to_str().unwrap();
                    found.push(name.strip_suffix(".yaml.j2").unwrap().to_owned());
                }
            }
        }
        found.sort();
        assert_eq!(found, TEMPLATES.map(|(name, _)| name), "each is listed, and each that is listed parses");
        assert!(found.iter().all(|name| ENVIRONMENT.get_template(name).is_ok()));
    }

    #[test]
    fn a_dollar_is_one_for_compose_too() {
        assert_eq!(for_compose("$HOME"), "\"$$HOME\"", "compose would put a variable there");
    }

    #[test]
    fn a_comment_keeps_its_lines_or_has_short_ones() {
        assert_eq!(comment("one\n\n  two words"), "# one\n#\n#   two words");
        let long = wrapped(&["word"; 50].join(" "));
        assert!(long.lines().all(|line| line.starts_with("# word") && line.len() <= COMMENT), "{long}");
        assert_eq!((long.matches("word").count(), long.lines().count()), (50, 3));
    }
}
