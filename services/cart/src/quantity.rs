//! Small numbers with limits: quantities and versions.

use serde::{Deserialize, Serialize};

/// How many of a product a line has. Invariant: 1 to 999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Quantity(u32);

/// A number is not a valid quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a quantity is 1 to {}", Quantity::MAX)]
pub struct QuantityError;

impl Quantity {
    /// The largest quantity.
    pub const MAX: u32 = 999;

    /// Checks a number.
    pub const fn new(number: u32) -> Result<Self, QuantityError> {
        if number == 0 || number > Self::MAX { Err(QuantityError) } else { Ok(Self(number)) }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Quantity {
    type Error = QuantityError;

    fn try_from(number: u32) -> Result<Self, QuantityError> {
        Self::new(number)
    }
}

impl From<Quantity> for u32 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

/// The version of a cart: it grows by one with each change, and is the cart's entity tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_neither_nothing_nor_too_much() {
        for number in [0, 1_000, u32::MAX] {
            assert_eq!(Quantity::new(number), Err(QuantityError));
        }
        for number in [1, 999] {
            assert_eq!(Quantity::new(number).map(u32::from), Ok(number));
        }
    }
}
