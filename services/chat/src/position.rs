//! Positions in a room's log.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The number of a record in its room's log, of at most 63 bits. The first record has 1; 0 is the position before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(pub u64);

impl Sequence {
    /// The number after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The incarnation of a room's log. Invariant: not 0, and at most 63 bits.
///
/// Two logs of one room, such as the one that was lost and the one that a backup restored, give the same numbers to different
/// records. They have different epochs, so that a position of the one is not taken for a position in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Epoch(u64);

/// A number is no epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an epoch is a number from 1 to 9223372036854775807")]
pub struct EpochError;

impl Epoch {
    /// Checks a number.
    pub const fn new(number: u64) -> Result<Self, EpochError> {
        if number == 0 || number > i64::MAX as u64 { Err(EpochError) } else { Ok(Self(number)) }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl TryFrom<u64> for Epoch {
    type Error = EpochError;

    fn try_from(number: u64) -> Result<Self, EpochError> {
        Self::new(number)
    }
}

impl From<Epoch> for u64 {
    fn from(epoch: Epoch) -> Self {
        epoch.0
    }
}

/// A position in a room's log: everything up to this record has been seen. Written `EPOCH:SEQUENCE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Of which log.
    pub epoch: Epoch,
    /// Up to which record.
    pub sequence: Sequence,
}

/// A text is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is `EPOCH:SEQUENCE`, two whole numbers, as the server sent it")]
pub struct PositionError;

/// The most digits of a number of 63 bits.
const MAX_DIGITS: usize = 19;

impl Position {
    /// The longest text of one.
    pub const MAX_LENGTH: usize = 2 * MAX_DIGITS + 1;
    /// The pattern of its text.
    pub const PATTERN: &str = "^[0-9]{1,19}:[0-9]{1,19}$";
}

impl fmt::Display for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.epoch.0, self.sequence.0)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        let number = |digits: &str| {
            let sound =
                (1..=MAX_DIGITS).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            let number = sound.then(|| digits.parse::<u64>().ok()).flatten();
            number.filter(|number| i64::try_from(*number).is_ok()).ok_or(PositionError)
        };
        let (epoch, sequence) = text.split_once(':').ok_or(PositionError)?;
        let epoch = Epoch::new(number(epoch)?).map_err(|EpochError| PositionError)?;
        Ok(Self { epoch, sequence: Sequence(number(sequence)?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(epoch: u64, sequence: u64) -> Position {
        Position { epoch: Epoch::new(epoch).unwrap(), sequence: Sequence(sequence) }
    }

    #[test]
    fn what_is_written_is_read_and_has_the_pattern() {
        let pattern = regex::Regex::new(Position::PATTERN).unwrap();
        for (epoch, sequence) in [(1, 0), (7, 42), (i64::MAX as u64, i64::MAX as u64)] {
            let written = position(epoch, sequence).to_string();
            assert_eq!(written.parse(), Ok(position(epoch, sequence)));
            assert!(pattern.is_match(&written) && written.len() <= Position::MAX_LENGTH, "{written}");
        }
        assert_eq!(position(7, 42).to_string(), "7:42");
    }

    #[test]
    fn another_text_is_no_position() {
        for text in [
            "",
            "7",
            ":",
            "7:",
            ":42",
            "0:42",
            "+7:42",
            "7:-1",
            "7: 42",
            "7:42:1",
            "9223372036854775808:1",
            "7:9223372036854775808",
            "7:00000000000000000001",
            "7:\u{664}",
        ] {
            assert_eq!(text.parse::<Position>(), Err(PositionError), "{text:?}");
        }
    }

    #[test]
    fn an_epoch_is_no_0_and_fits_a_signed_column() {
        for (number, is_epoch) in [(0, false), (1, true), (i64::MAX as u64, true), (1 << 63, false)] {
            assert_eq!(Epoch::new(number).is_ok(), is_epoch, "{number}");
            assert_eq!(serde_json::from_str::<Epoch>(&number.to_string()).is_ok(), is_epoch, "{number}");
        }
    }

    #[test]
    fn sequences_are_counted_up_and_do_not_overflow() {
        assert_eq!(Sequence(0).next(), Sequence(1));
        assert_eq!(Sequence(u64::MAX).next(), Sequence(u64::MAX));
    }
}
