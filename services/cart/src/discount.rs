//! Discounts, and what the lines of an order cost with one.

use serde::{Deserialize, Serialize};

use crate::{
    Money, MoneyError, ProductId, Quantity,
    rounding::{half_even, shares},
};

/// A percentage in basis points, hundredths of a percent. Invariant: 1 to 10 000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct PercentOff(u16);

/// A number is not a valid percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a percentage is 1 to {} basis points", PercentOff::MAX)]
pub struct PercentOffError;

impl PercentOff {
    /// Everything: 100 %.
    pub const MAX: u16 = 10_000;

    /// Checks a number of basis points: 1 250 is 12.5 %.
    pub const fn new(basis_points: u32) -> Result<Self, PercentOffError> {
        if basis_points == 0 || basis_points > Self::MAX as u32 {
            return Err(PercentOffError);
        }
        Ok(Self(basis_points as u16))
    }

    /// The number of basis points.
    pub const fn basis_points(self) -> u16 {
        self.0
    }
}

impl TryFrom<u32> for PercentOff {
    type Error = PercentOffError;

    fn try_from(basis_points: u32) -> Result<Self, PercentOffError> {
        Self::new(basis_points)
    }
}

impl From<PercentOff> for u32 {
    fn from(percent: PercentOff) -> Self {
        percent.0.into()
    }
}

/// What a voucher takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Discount {
    /// A share of each line, rounded half to even.
    Percent(PercentOff),
    /// An amount, at most the price of all lines; each line bears its share of it.
    Amount(Money),
}

/// So many of a product, at this price each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// The price of one.
    pub price: Money,
}

/// A line of an order, with what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The product.
    pub product: ProductId,
    /// How many.
    pub quantity: Quantity,
    /// The price of one.
    pub price: Money,
    /// The line's share of the discount; zero without one.
    pub discount: Money,
    /// The price of all of them, less the discount.
    pub net: Money,
}

/// The lines of an order and their sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// The lines, in the order in which they were given.
    pub lines: Vec<OrderLine>,
    /// The sum of the discounts.
    pub discount: Money,
    /// The sum of what the lines cost: the amount to pay.
    pub total: Money,
}

/// What these lines cost with a discount, in the currency of the first line.
///
/// Only the discount of a line is ever rounded; what is paid is the sum of the lines, also when it is shown otherwise.
/// All prices MUST have one currency, and so MUST a discount that is an amount.
pub fn totals(lines: &[PricedLine], discount: Option<Discount>) -> Result<Option<Totals>, MoneyError> {
    let Some(currency) = lines.first().map(|line| line.price.currency) else { return Ok(None) };
    let gross = lines.iter().map(|line| line.price.times(line.quantity)).collect::<Result<Vec<_>, _>>()?;
    let sum = Money::sum(gross.iter().copied(), currency)?;
    let off = match discount {
        None => vec![0; lines.len()],
        Some(Discount::Percent(percent)) => {
            gross.iter().map(|gross| percent_of(gross.minor, percent)).collect()
        }
        Some(Discount::Amount(amount)) => amount_of(&gross, sum, amount)?,
    };
    let line = |((line, gross), off): ((&PricedLine, &Money), i64)| {
        let PricedLine { product, quantity, price } = *line;
        let discount = Money::new(off, currency);
        Ok(OrderLine { product, quantity, price, discount, net: gross.minus(discount)? })
    };
    let lines = lines.iter().zip(&gross).zip(off).map(line).collect::<Result<Vec<_>, MoneyError>>()?;
    let discount = Money::sum(lines.iter().map(|line| line.discount), currency)?;
    let total = Money::sum(lines.iter().map(|line| line.net), currency)?;
    Ok(Some(Totals { lines, discount, total }))
}

/// The quotient is at most the amount itself, because a percentage is at most 100 %.
fn percent_of(minor: i64, percent: PercentOff) -> i64 {
    half_even(i128::from(minor) * i128::from(percent.0), PercentOff::MAX.into()) as i64
}

fn amount_of(gross: &[Money], sum: Money, amount: Money) -> Result<Vec<i64>, MoneyError> {
    // Refuses another currency.
    sum.minus(amount)?;
    let weights: Vec<i64> = gross.iter().map(|gross| gross.minor).collect();
    Ok(shares(amount.minor.clamp(0, sum.minor.max(0)), &weights))
}

#[cfg(test)]
mod tests;
