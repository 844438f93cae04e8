//! A short code: the path of a short link.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A short code. Invariant: 1 to 32 characters of `[0-9A-Za-z_-]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Code(String);

/// A text is not a valid code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code is 1 to 32 characters of `0-9`, `A-Z`, `a-z`, `_` and `-`")]
pub struct CodeError;

/// Codes that are paths of the public API.
const RESERVED: [&str; 8] = ["admin", "api", "docs", "health", "links", "login", "metrics", "static"];

/// The digits of a generated code: base 62, without characters that need escaping or look like separators.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Code {
    /// The longest code.
    pub const MAX_LENGTH: usize = 32;

    /// The pattern that [`Self::parse`] accepts.
    pub const PATTERN: &str = "^[0-9A-Za-z_-]{1,32}$";

    /// The pattern of the codes that [`Self::parse`] accepts and [`Self::is_reserved`] permits.
    pub fn free_pattern() -> String {
        let any_case = |letter: char| format!("[{}{letter}]", letter.to_ascii_uppercase());
        let words = RESERVED.map(|word| word.chars().map(any_case).collect::<String>());
        format!("^(?!(?:{})$){}", words.join("|"), &Self::PATTERN[1..])
    }

    /// The length of a generated code; there are 62^7 = 3.5 * 10^12 of them.
    pub const MADE_LENGTH: u32 = 7;

    /// The number of codes of [`Self::MADE_LENGTH`].
    pub const SPACE: u64 = 62_u64.pow(Self::MADE_LENGTH);

    /// Parses a code.
    pub fn parse(text: impl Into<String>) -> Result<Self, CodeError> {
        let text = text.into();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=Self::MAX_LENGTH).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(CodeError)
        }
    }

    /// The code of a number modulo [`Self::SPACE`]; one-to-one below it.
    pub fn of_number(number: u64) -> Self {
        let mut rest = number % Self::SPACE;
        let mut digits = [0_u8; Self::MADE_LENGTH as usize];
        for digit in digits.iter_mut().rev() {
            *digit = DIGITS[(rest % 62) as usize];
            rest /= 62;
        }
        Self(digits.iter().map(|digit| char::from(*digit)).collect())
    }

    /// Whether the public API uses the code as a path.
    pub fn is_reserved(&self) -> bool {
        RESERVED.iter().any(|word| self.0.eq_ignore_ascii_case(word))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Code {
    type Error = CodeError;

    fn try_from(text: String) -> Result<Self, CodeError> {
        Self::parse(text)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_code_has_seven_digits_and_differs_by_number() {
        assert_eq!(Code::of_number(0).as_str(), "0000000");
        assert_eq!(Code::of_number(61).as_str(), "000000z");
        assert_eq!(Code::of_number(62).as_str(), "0000010");
        assert_eq!(Code::of_number(Code::SPACE - 1).as_str(), "zzzzzzz");
    }

    #[test]
    fn what_would_need_escaping_is_no_code() {
        for text in ["", "a b", "a/b", "a.b", "ä", &"x".repeat(33)] {
            assert_eq!(Code::parse(text), Err(CodeError), "{text:?}");
        }
        assert!(Code::parse("x".repeat(32)).is_ok());
    }

    #[test]
    fn the_pattern_is_what_is_taken() {
        let pattern = regex::Regex::new(Code::PATTERN).unwrap();
        for text in ["", "a", "Z_-9", "a b", "a\n", "a.b", "\u{e4}", &"x".repeat(32), &"x".repeat(33)] {
            assert_eq!(pattern.is_match(text), Code::parse(text).is_ok(), "{text:?}");
        }
        let free = Code::free_pattern();
        assert!(free.starts_with("^(?!(?:[Aa][Dd][Mm][Ii][Nn]|[Aa][Pp][Ii]|"), "{free}");
        assert!(free.ends_with("[Ss][Tt][Aa][Tt][Ii][Cc])$)[0-9A-Za-z_-]{1,32}$"), "{free}");
    }

    #[test]
    fn the_apis_own_words_are_reserved_in_any_case() {
        assert!(Code::parse("Links").unwrap().is_reserved());
        assert!(!Code::parse("linksy").unwrap().is_reserved());
    }
}
