//! The names of a ledger's facts in sentences.

use load::ledger::facts;

/// The words for a fact, after its count: `760 let through beyond the limit`; its own name if there are none.
pub fn words(name: &str) -> &str {
    WORDS.iter().find(|(fact, _)| *fact == name).map_or(name, |(_, words)| words)
}

/// The same with the fact's name in claims, answers and `report.json`, if that differs:
/// `let through beyond the limit (over-admitted)`.
pub(super) fn with_name(name: &str) -> String {
    let words = words(name);
    if words == name { name.to_owned() } else { format!("{words} ({name})") }
}

const WORDS: [(&str, &str); 36] = [
    (facts::CHECKED, "looked up after the load"),
    (facts::ACKNOWLEDGED, "acknowledged"),
    (facts::NOT_ASKED, "could not be asked for"),
    (facts::LOST, "acknowledged and gone"),
    (facts::DUPLICATED, "handed out twice"),
    (facts::WRONG, "not as acknowledged"),
    (facts::WRONG_WHEN_FOLLOWED, "redirected to a wrong target during the load"),
    (facts::MISSING_WHEN_FOLLOWED, "not there when followed during the load"),
    (facts::ENDED, "expired or deleted during the load and asked for afterwards"),
    (facts::ENDED_EARLY, "gone before they expired or were deleted"),
    (facts::EXPIRED_SERVED, "still served after they expired"),
    (facts::DELETED_SERVED, "still served when no cache may have them any more"),
    (facts::DELETED_NOT_SETTLED, "deleted and still served (perhaps by a cache that may)"),
    (facts::CLICKS_INHERITED, "clicks of a deleted link counted for another link"),
    (facts::INDETERMINATE_PRESENT, "made without a reply and there"),
    (facts::INDETERMINATE_ABSENT, "made without a reply and not there"),
    (facts::CLICKS_LOST, "clicks lost"),
    (facts::CLICKS_INVENTED, "clicks that nobody made"),
    (facts::NOT_SETTLED, "clicks perhaps still on their way"),
    ("clicks-expected-low", "clicks to be counted at least"),
    ("clicks-expected-high", "clicks to be counted at most"),
    ("clicks-counted", "clicks counted"),
    (facts::DELETED, "deleted by the check"),
    (facts::STALE, "still redirected right after the delete"),
    (facts::STALE_FOR_LONG, "still redirected 2 s after the delete"),
    (facts::REORDERED, "in another order than acknowledged"),
    (facts::DECISIONS, "decisions"),
    (facts::ADMITTED, "let through"),
    (facts::REFUSED, "refused by the limit"),
    (facts::UNCOUNTED, "let through without being counted"),
    (facts::OVER_BOUND, "let through beyond what the limiter promises"),
    (facts::UNDER_BOUND, "refused although the limiter promises to let them through"),
    (facts::OVER_ADMITTED, "let through beyond the limit"),
    (facts::FALSE_REFUSALS, "refused although the limit had room"),
    (facts::QUIET_REFUSED, "refused of clients far below their limit"),
    (facts::HEADERS_WRONG, "replies with wrong headers"),
];

#[cfg(test)]
mod tests {
    use load::journeys::SYSTEMS;

    use super::*;

    #[test]
    fn every_fact_of_every_system_has_words() {
        for fact in SYSTEMS.iter().flat_map(|system| system.facts) {
            assert!(WORDS.iter().any(|(name, _)| name == fact), "no words for `{fact}`");
        }
    }
}
