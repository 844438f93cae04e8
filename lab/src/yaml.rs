//! Words in YAML files that the lab writes as text.

/// What stands alone for something else than its letters, in YAML 1.1 or 1.2: kubectl and compose read either.
const MEAN_SOMETHING: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];

/// A word as a scalar that is read as this text: bare where that can mean nothing else.
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
        // A YAML double-quoted scalar reads every JSON string.
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
}
