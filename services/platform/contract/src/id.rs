//! Ids of 128 bits, as types that cannot be confused.

/// Defines types of ids that hold 128 bits each and travel as text.
///
/// `text` is the function that writes the bits, `bits` the one that parses them, `error` what that fails with. The crate
/// needs `serde` with its derive macros.
#[macro_export]
macro_rules! ids {
    (text = $text:path, bits = $bits:path, error = $Error:ty; $($(#[$docs:meta])* $Id:ident;)*) => {$(
        $(#[$docs])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, ::serde::Deserialize, ::serde::Serialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $Id(pub u128);

        impl $Id {
            /// Parses an id.
            pub fn parse(text: &str) -> ::std::result::Result<Self, $Error> {
                $bits(text).map(Self)
            }
        }

        impl From<u128> for $Id {
            fn from(bits: u128) -> Self {
                Self(bits)
            }
        }

        impl From<$Id> for u128 {
            fn from(id: $Id) -> Self {
                id.0
            }
        }

        impl TryFrom<String> for $Id {
            type Error = $Error;

            fn try_from(text: String) -> ::std::result::Result<Self, $Error> {
                Self::parse(&text)
            }
        }

        impl From<$Id> for String {
            fn from(id: $Id) -> Self {
                $text(id.0)
            }
        }

        impl ::std::fmt::Display for $Id {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(&$text(self.0))
            }
        }
    )*};
}
