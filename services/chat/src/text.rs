//! Texts that people choose, each with its limits.

use contract::texts;

texts! {
    /// The name of a user, by which others know them. Invariant: 1 to 32 characters of `a-z`, `0-9`, `-` and `_`.
    User or UserError: at most 32 of is_of_a_user, "^[a-z0-9_-]{1,32}$",
        "a user is 1 to 32 characters of `a-z`, `0-9`, `-` and `_`";
    /// The name of a room. Invariant: 1 to 64 characters, none of them a control character.
    RoomName or RoomNameError: at most 64 of is_of_a_line, r"^[^\x00-\x1f\x7f-\x9f]{1,64}$",
        "a room's name is 1 to 64 characters, without control characters";
    /// The text of a message. Invariant: 1 to 4,000 characters, without NUL, which PostgreSQL cannot store.
    Text or TextError: at most 4_000 of is_stored, r"^[^\x00]{1,4000}$",
        "a message is 1 to 4,000 characters, without NUL";
}

fn is_of_a_user(char: char) -> bool {
    char.is_ascii_lowercase() || char.is_ascii_digit() || matches!(char, '-' | '_')
}

fn is_of_a_line(char: char) -> bool {
    !char.is_control()
}

fn is_stored(char: char) -> bool {
    char != '\0'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_has_its_characters_and_its_length() {
        let long = |length: usize| "x".repeat(length);
        let umlauts = "\u{e4}".repeat(4_000);
        let patterns = [User::PATTERN, RoomName::PATTERN, Text::PATTERN]
            .map(|pattern| regex::Regex::new(pattern).unwrap());
        // Whether each is a user, a room's name, and a message.
        for (text, taken) in [
            ("", [false, false, false]),
            ("ann-9_", [true, true, true]),
            ("Ann", [false, true, true]),
            ("\u{e4}nn", [false, true, true]),
            ("a b", [false, true, true]),
            ("a\n", [false, false, true]),
            ("a\u{7f}", [false, false, true]),
            ("a\0", [false, false, false]),
            (&long(32), [true, true, true]),
            (&long(33), [false, true, true]),
            (&long(64), [false, true, true]),
            (&long(65), [false, false, true]),
            (&umlauts, [false, false, true]),
            (&long(4_001), [false, false, false]),
        ] {
            let parsed =
                [User::parse(text).is_ok(), RoomName::parse(text).is_ok(), Text::parse(text).is_ok()];
            assert_eq!(parsed, taken, "{text:?}");
            assert_eq!(patterns.each_ref().map(|pattern| pattern.is_match(text)), taken, "{text:?}");
        }
    }

    #[test]
    fn a_text_travels_as_itself_and_is_checked_on_arrival() {
        let ann = User::parse("ann").unwrap();
        assert_eq!((ann.as_str(), ann.to_string()), ("ann", "ann".into()));
        assert_eq!(serde_json::to_string(&ann).unwrap(), r#""ann""#);
        assert_eq!(serde_json::from_str::<User>(r#""ann""#).unwrap(), ann);
        assert!(serde_json::from_str::<User>(r#""Ann""#).is_err());
    }
}
