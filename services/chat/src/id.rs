//! Ids: 128 bits each, written as UUIDs are (RFC 9562).

/// A text is not a valid id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a UUID, as `018f4e2a-6c1b-7d3e-9a5f-0123456789ab`")]
pub struct IdError;

contract::ids! {
    text = text, bits = bits, error = IdError;
    /// The id of a room; whoever makes the room chooses it, so that making it is idempotent.
    RoomId;
    /// The id that a client gives a message, so that sending it is idempotent: unique for its sender and room.
    MessageId;
    /// The id of a connection: one device of a user.
    DeviceId;
    /// The id of a process that holds connections.
    GatewayId;
}

/// The places of the hyphens in a UUID.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

fn text(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// Parses hexadecimal digits in their groups only; unlike `from_str_radix`, it refuses a sign.
fn bits(text: &str) -> Result<u128, IdError> {
    let fits = |(index, byte): (usize, u8)| {
        if HYPHENS.contains(&index) { byte == b'-' } else { byte.is_ascii_hexdigit() }
    };
    if text.len() != 36 || !text.bytes().enumerate().all(fits) {
        return Err(IdError);
    }
    u128::from_str_radix(&text.replace('-', ""), 16).map_err(|_| IdError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_and_nothing_else() {
        for id in [0, 0x7f, u128::MAX] {
            assert_eq!(RoomId::parse(&RoomId(id).to_string()), Ok(RoomId(id)));
            assert_eq!(MessageId::try_from(String::from(MessageId(id))), Ok(MessageId(id)));
        }
        assert_eq!(DeviceId(0x1f).to_string(), "00000000-0000-0000-0000-00000000001f");
        assert_eq!(RoomId::parse("00000000-0000-0000-0000-0000000000FF"), Ok(RoomId(0xff)));
        for text in [
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
            assert_eq!(GatewayId::parse(text), Err(IdError), "{text:?}");
        }
    }
}
