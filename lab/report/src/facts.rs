//! The names of a ledger's facts in sentences, as each system declares them.

use load::journeys::{self, SystemUnderTest};

/// The words for a fact of a system, after its count: `760 let through beyond the limit`; its own name if there are none.
pub fn words<'a>(system: &str, name: &'a str) -> &'a str {
    let facts = journeys::find(system).map(SystemUnderTest::facts).unwrap_or_default();
    facts.iter().find(|fact| fact.name == name).map_or(name, |fact| fact.words)
}

/// The same with the fact's name in claims, answers and `report.json`, if that differs:
/// `let through beyond the limit (over-admitted)`.
pub(super) fn with_name(system: &str, name: &str) -> String {
    let words = words(system, name);
    if words == name { name.to_owned() } else { format!("{words} ({name})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_own_words_and_an_unknown_fact_its_name() {
        assert_eq!(words("limiter", "over-admitted"), "let through beyond the limit");
        assert_eq!(words("shortener", "over-admitted"), "over-admitted");
        assert_eq!(with_name("limiter", "decisions"), "decisions");
        assert_eq!(with_name("shortener", "lost"), "acknowledged and gone (lost)");
    }
}
