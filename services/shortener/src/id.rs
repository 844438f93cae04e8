//! The ids of links and of tallies: 128 bits each, written as 32 hexadecimal digits.

use serde::{Deserialize, Serialize};

/// A text is not a valid id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 hexadecimal digits")]
pub struct IdError;

/// Defines id types that cannot be confused.
macro_rules! ids {
    ($($(#[$docs:meta])* $Id:ident;)*) => {$(
        $(#[$docs])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $Id(pub u128);

        impl $Id {
            /// Parses an id.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                bits(text).map(Self)
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
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$Id> for String {
            fn from(id: $Id) -> Self {
                format!("{:032x}", id.0)
            }
        }
    )*};
}

ids! {
    /// The id of a link: 128 bits, unique. New ids are UUIDs of version 7; links from before there were ids
    /// have random ones.
    ///
    /// A code may have several links in succession: data about a link refers to its id.
    LinkId;
    /// The id of a tally: a UUID.
    TallyId;
}

/// Parses hexadecimal digits only; unlike `from_str_radix`, it refuses a sign.
fn bits(text: &str) -> Result<u128, IdError> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { u128::from_str_radix(text, 16).map_err(|_| IdError) } else { Err(IdError) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_its_digits_and_nothing_else() {
        for id in [0, 0x7f, u128::MAX] {
            assert_eq!(LinkId::parse(&String::from(LinkId(id))), Ok(LinkId(id)));
            assert_eq!(TallyId::try_from(String::from(TallyId(id))), Ok(TallyId(id)));
        }
        for text in [
            "",
            "+000000000000000000000000000000f",
            "0123456789abcdef0123456789abcde",
            &"0".repeat(33),
            &"g".repeat(32),
        ] {
            assert_eq!(LinkId::parse(text), Err(IdError), "{text:?}");
        }
    }
}
