//! Integers in JSON: `3` and `3.0` are the same number.

use std::fmt;

use serde::{
    Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// Deserializes an integer.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    deserializer.deserialize_any(Whole)
}

/// Deserializes an integer, or `null`.
pub fn whole_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    deserializer.deserialize_option(OrNull)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = u64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number from 0 on")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
        u64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
        // Above 2^53 a float does not represent every integer.
        let is_whole = (0.0..=2_f64.powi(53)).contains(&number) && number.fract() == 0.0;
        if is_whole { Ok(number as u64) } else { Err(E::invalid_value(Unexpected::Float(number), &self)) }
    }
}

struct OrNull;

impl<'de> Visitor<'de> for OrNull {
    type Value = Option<u64>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number from 0 on, or null")
    }

    fn visit_none<E: Error>(self) -> Result<Option<u64>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u64>, D::Error> {
        whole(deserializer).map(Some)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Read {
        #[serde(deserialize_with = "whole")]
        number: u64,
        #[serde(default, deserialize_with = "whole_or_null")]
        perhaps: Option<u64>,
    }

    fn read(text: &str) -> Option<(u64, Option<u64>)> {
        serde_json::from_str(text).ok().map(|Read { number, perhaps }| (number, perhaps))
    }

    #[test]
    fn a_number_is_whole_however_it_is_written() {
        assert_eq!(read(r#"{"number": 3}"#), Some((3, None)));
        assert_eq!(read(r#"{"number": 3.0, "perhaps": null}"#), Some((3, None)));
        assert_eq!(read(r#"{"number": 3e2, "perhaps": 1.0}"#), Some((300, Some(1))));
        assert_eq!(read(r#"{"number": 18446744073709551615, "perhaps": -0.0}"#), Some((u64::MAX, Some(0))));
        for number in ["1.5", "-1", "-1.0", "1e300", "\"1\"", "null", "true", "18446744073709551616"] {
            assert_eq!(read(&format!(r#"{{"number": {number}}}"#)), None, "{number}");
        }
    }
}
