//! 128 bits as UUIDs are written (RFC 9562), for [`ids!`](crate::ids).

/// A text is not a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID, as `018f4e2a-6c1b-7d3e-9a5f-0123456789ab`")]
pub struct UuidError;

/// The places of the hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// Writes the bits, in lower case.
pub fn text(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// Parses hexadecimal digits in their groups only; unlike `from_str_radix`, it refuses a sign.
pub fn bits(text: &str) -> Result<u128, UuidError> {
    let fits = |(index, byte): (usize, u8)| {
        if HYPHENS.contains(&index) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    if text.len() != 36 || !text.bytes().enumerate().all(fits) {
        return Err(UuidError);
    }
    u128::from_str_radix(&text.replace('-', ""), 16).map_err(|_| UuidError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_as_they_are_written_and_nothing_else_is() {
        for id in [0, 0x7f, u128::MAX] {
            assert_eq!(bits(&text(id)), Ok(id));
        }
        assert_eq!(text(0x1f), "00000000-0000-0000-0000-00000000001f");
        assert_eq!(bits("00000000-0000-0000-0000-0000000000FF"), Ok(0xff));
        for wrong in [
            "",
            "0000000000000000000000000000001f",
            "00000000000000000000000000000000001f",
            "+0000000-0000-0000-0000-00000000001f",
            "00000000-0000-0000-0000-00000000001",
            "00000000-0000-0000-0000-0000000000001f",
            "00000000-0000-0000-0000_00000000001f",
            "0000000g-0000-0000-0000-00000000001f",
            "{0000000-0000-0000-0000-00000000001}",
        ] {
            assert_eq!(bits(wrong), Err(UuidError), "{wrong:?}");
        }
    }
}
