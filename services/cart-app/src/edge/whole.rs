//! Integers in JSON: `3` and `3.0` are the same number.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// A whole number of 64 bits with a sign. Whether it may be so large is another question, with another reply: 422.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole(pub(super) i64);

impl Whole {
    /// The number as one of another type; of a number that has no such form, one that no field accepts.
    pub(super) fn or<T: TryFrom<i64>>(self, none: T) -> T {
        T::try_from(self.0).unwrap_or(none)
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a whole number of 64 bits")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
        Ok(Whole(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
        i64::try_from(number).map(Whole).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
        // Above 2^53 a float does not represent every integer.
        let is_whole = number.abs() <= 2_f64.powi(53) && number.fract() == 0.0;
        if is_whole {
            Ok(Whole(number as i64))
        } else {
            Err(E::invalid_value(Unexpected::Float(number), &self))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_however_it_is_written() {
        let read = |text: &str| serde_json::from_str(text).ok().map(|Whole(number)| number);
        for (text, number) in
            [("3", 3), ("3.0", 3), ("-3e2", -300), ("-0.0", 0), ("9223372036854775807", i64::MAX)]
        {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["1.5", "1e300", "\"1\"", "null", "true", "9223372036854775808", "[]"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_one_that_no_field_accepts() {
        assert_eq!(Whole(7).or(0_u32), 7);
        assert_eq!(Whole(-1).or(0_u32), 0);
        assert_eq!(Whole(i64::MAX).or(0_u32), 0);
    }
}
