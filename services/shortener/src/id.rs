//! The ids of links and of tallies: 128 bits each, written as 32 hexadecimal digits.

/// A text is not a valid id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is 32 hexadecimal digits")]
pub struct IdError;

contract::ids! {
    text = text, bits = bits, error = IdError;
    /// The id of a link: 128 bits, unique. New ids are UUIDs of version 7; links from before there were ids
    /// have random ones.
    ///
    /// A code may have several links in succession: data about a link refers to its id.
    LinkId;
    /// The id of a tally: a UUID.
    TallyId;
}

fn text(bits: u128) -> String {
    format!("{bits:032x}")
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
