//! Money: an integer of minor units with its currency; floating point cannot hold a cent exactly.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Quantity;

/// A currency. Invariant: three letters of `A-Z`, as the alphabetic codes of ISO 4217.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// A text is not a valid currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a currency is three letters of `A-Z`, as `EUR`")]
pub struct CurrencyError;

impl Currency {
    /// No currency: `XXX` of ISO 4217.
    pub const NONE: Self = Self(*b"XXX");

    /// The pattern that [`Self::parse`] accepts.
    pub const PATTERN: &str = "^[A-Z]{3}$";

    /// Parses a currency.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| CurrencyError)?;
        if letters.iter().all(u8::is_ascii_uppercase) { Ok(Self(letters)) } else { Err(CurrencyError) }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&String::from(*self))
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(text: String) -> Result<Self, CurrencyError> {
        Self::parse(&text)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.0.iter().copied().map(char::from).collect()
    }
}

/// An amount of money in one currency; it may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// The amount in minor units: 1999 is EUR 19.99 and JPY 1999.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// The reasons why two amounts have no sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum MoneyError {
    /// The result has no 64-bit representation.
    #[error("the amount is too large")]
    Overflow,
    /// The amounts have different currencies.
    #[error("`{one}` and `{other}` cannot be added")]
    MixedCurrencies {
        /// The one currency.
        one: Currency,
        /// The other one.
        other: Currency,
    },
}

impl Money {
    /// An amount of minor units.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in this currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// The sum.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_add)
    }

    /// The difference.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.with(other, i64::checked_sub)
    }

    /// The price of so many.
    pub fn times(self, quantity: Quantity) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(quantity.get().into()).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The sum of amounts in this currency; zero if there are none.
    pub fn sum(amounts: impl IntoIterator<Item = Self>, currency: Currency) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::plus)
    }

    fn with(self, other: Self, operation: fn(i64, i64) -> Option<i64>) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies { one: self.currency, other: other.currency });
        }
        let minor = operation(self.minor, other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {} (minor units)", self.currency, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(text: &str) -> Currency {
        Currency::parse(text).unwrap()
    }

    #[test]
    fn the_pattern_is_what_is_taken() {
        let pattern = regex::Regex::new(Currency::PATTERN).unwrap();
        for text in ["EUR", "JPY", "eur", "EU", "EURO", "", "E R", "EU\n", "E\u{d6}"] {
            assert_eq!(pattern.is_match(text), Currency::parse(text).is_ok(), "{text:?}");
        }
        assert_eq!(String::from(currency("EUR")), "EUR");
    }

    #[test]
    fn currencies_do_not_mix() {
        let (euro, yen) = (Money::new(1, currency("EUR")), Money::new(1, currency("JPY")));
        let mixed = MoneyError::MixedCurrencies { one: euro.currency, other: yen.currency };
        assert_eq!(euro.plus(yen), Err(mixed));
        assert_eq!(euro.minus(yen), Err(mixed));
        assert_eq!(Money::sum([euro, yen], euro.currency), Err(mixed));
    }

    #[test]
    fn what_overflows_is_an_error_and_no_other_amount() {
        let most = Money::new(i64::MAX, currency("EUR"));
        let one = Money::new(1, currency("EUR"));
        assert_eq!(most.plus(one), Err(MoneyError::Overflow));
        assert_eq!(Money::new(i64::MIN, one.currency).minus(one), Err(MoneyError::Overflow));
        assert_eq!(most.times(Quantity::new(2).unwrap()), Err(MoneyError::Overflow));
        assert_eq!(most.times(Quantity::new(1).unwrap()), Ok(most));
    }
}
