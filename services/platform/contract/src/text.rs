//! Texts that clients choose, as types that cannot be confused.

/// Defines types of text, each with the error of a text that is not valid.
///
/// A definition states, in this order, the maximum length in characters, the predicate of an allowed character, the regular
/// expression that is equivalent to both, and the error's message. No text may be empty. The crate needs `serde` with its
/// derive macros, and `thiserror`.
#[macro_export]
macro_rules! texts {
    ($(
        $(#[$docs:meta])*
        $Text:ident or $Error:ident: at most $most:literal of $is_allowed:path, $pattern:literal, $told:literal;
    )*) => {$(
        $(#[$docs])*
        #[derive(
            Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Deserialize, ::serde::Serialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $Text(String);

        #[doc = concat!("A text is not valid: ", $told, ".")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, ::thiserror::Error)]
        #[error($told)]
        pub struct $Error;

        impl $Text {
            /// The most characters.
            pub const MAX_CHARS: usize = $most;

            /// The pattern that [`Self::parse`] accepts.
            pub const PATTERN: &str = $pattern;

            /// Parses a text.
            pub fn parse(text: impl Into<String>) -> ::std::result::Result<Self, $Error> {
                let text = text.into();
                let is_short = (1..=Self::MAX_CHARS).contains(&text.chars().count());
                if is_short && text.chars().all($is_allowed) { Ok(Self(text)) } else { Err($Error) }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $Text {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $Text {
            type Error = $Error;

            fn try_from(text: String) -> ::std::result::Result<Self, $Error> {
                Self::parse(text)
            }
        }

        impl From<$Text> for String {
            fn from(text: $Text) -> Self {
                text.0
            }
        }
    )*};
}

/// A visible ASCII character: `!` to `~`.
pub fn is_visible(char: char) -> bool {
    char.is_ascii_graphic()
}
