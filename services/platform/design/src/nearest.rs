//! "did you mean": the nearest known name to one that was not known.

/// The candidate most similar to `word`; `None` if none is similar.
///
/// The similarity is Jaro-Winkler (Winkler 1990), as in clap for the same purpose; 0.7 is clap's threshold.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
