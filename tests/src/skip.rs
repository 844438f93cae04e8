//! Skipping a test whose requirement is missing.

/// Prints that something is skipped because of this missing requirement, and how to get it.
///
/// # Panics
///
/// In CI, which has to provide it.
#[expect(clippy::disallowed_methods, reason = "a test is configured by its environment")]
pub fn skip(missing: &str, how_to_get: &str) {
    assert!(std::env::var("CI").is_err(), "CI has to provide {missing}");
    eprintln!("SKIPPED: this needs {missing}. {how_to_get}");
}
