use proptest::prelude::*;

use super::*;
use crate::Currency;

fn euro() -> Currency {
    Currency::parse("EUR").unwrap()
}

fn line(number: u128, quantity: u32, minor: i64) -> PricedLine {
    PricedLine {
        product: ProductId(number),
        quantity: Quantity::new(quantity).unwrap(),
        price: Money::new(minor, euro()),
    }
}

fn percent(basis_points: u32) -> Discount {
    Discount::Percent(PercentOff::new(basis_points).unwrap())
}

fn amount(minor: i64) -> Discount {
    Discount::Amount(Money::new(minor, euro()))
}

fn nets(lines: &[PricedLine], discount: impl Into<Option<Discount>>) -> Vec<i64> {
    let totals = totals(lines, discount.into()).unwrap().unwrap();
    totals.lines.iter().map(|line| line.net.minor).collect()
}

#[test]
fn a_percentage_is_rounded_by_line_and_a_half_to_even() {
    // 12.5 % of 2 x 10 is 2.5, and of 3 x 20 is 7.5.
    assert_eq!(nets(&[line(1, 2, 10), line(2, 3, 20)], percent(1_250)), [20 - 2, 60 - 8]);
    assert_eq!(nets(&[line(1, 7, 33)], percent(10_000)), [0]);
}

#[test]
fn rounding_each_item_or_the_total_would_cost_something_else() {
    // The report of PrestaShop#36369 in short: three ways to round, three amounts to pay.
    let lines = [line(1, 3, 115), line(2, 3, 115)];
    let by_line: i64 = nets(&lines, percent(1_000)).iter().sum();
    let by_item = 6 * (115 - percent_of(115, PercentOff::new(1_000).unwrap()));
    let by_total = 690 - percent_of(690, PercentOff::new(1_000).unwrap());
    assert_eq!((by_line, by_item, by_total), (622, 618, 621));
    assert_eq!(totals(&lines, Some(percent(1_000))).unwrap().unwrap().total, Money::new(by_line, euro()));
}

#[test]
fn each_line_bears_its_share_of_an_amount_and_none_costs_less_than_nothing() {
    assert_eq!(nets(&[line(1, 1, 100), line(2, 1, 100), line(3, 1, 100)], amount(100)), [66, 67, 67]);
    assert_eq!(nets(&[line(1, 1, 30), line(2, 1, 0)], amount(1_000)), [0, 0]);
    assert_eq!(nets(&[line(1, 1, 30)], amount(-5)), [30], "an amount off is never an amount on");
}

#[test]
fn currencies_do_not_mix_and_huge_prices_overflow() {
    let yen = Currency::parse("JPY").unwrap();
    let mixed = Err(MoneyError::MixedCurrencies { one: euro(), other: yen });
    let other = PricedLine { price: Money::new(1, yen), ..line(2, 1, 0) };
    assert_eq!(totals(&[line(1, 1, 1), other], None), mixed);
    assert_eq!(totals(&[line(1, 1, 1)], Some(Discount::Amount(Money::new(1, yen)))), mixed);
    assert_eq!(totals(&[line(1, 2, i64::MAX)], None), Err(MoneyError::Overflow));
    assert_eq!(totals(&[line(1, 1, i64::MAX), line(2, 1, 1)], None), Err(MoneyError::Overflow));
    assert_eq!(totals(&[], None), Ok(None));
}

#[test]
fn a_percentage_is_neither_nothing_nor_more_than_everything() {
    for number in [0, 10_001, u32::MAX] {
        assert_eq!(PercentOff::new(number), Err(PercentOffError));
    }
    assert_eq!(PercentOff::new(10_000).map(u32::from), Ok(10_000));
}

fn lines() -> impl Strategy<Value = Vec<PricedLine>> {
    let line = (1..=Quantity::MAX, 0_i64..10_000_000).prop_map(|(quantity, minor)| line(1, quantity, minor));
    prop::collection::vec(line, 1..100)
}

fn discounts() -> impl Strategy<Value = Option<Discount>> {
    prop_oneof![
        Just(None),
        (1_u32..=10_000).prop_map(percent).prop_map(Some),
        (0_i64..100_000_000_000).prop_map(amount).prop_map(Some),
        (0_i64..1_000).prop_map(amount).prop_map(Some),
    ]
}

proptest! {
    #[test]
    fn totals_add_up_whatever_is_bought(lines in lines(), discount in discounts()) {
        let totals = totals(&lines, discount).unwrap().unwrap();
        let gross: i64 = lines.iter().map(|line| line.price.minor * i64::from(line.quantity.get())).sum();
        prop_assert_eq!(totals.total.minor + totals.discount.minor, gross);
        prop_assert_eq!(totals.lines.iter().map(|line| line.net.minor).sum::<i64>(), totals.total.minor);
        for line in &totals.lines {
            let gross = line.price.minor * i64::from(line.quantity.get());
            prop_assert_eq!(line.net.minor + line.discount.minor, gross);
            prop_assert!(line.net.minor >= 0 && line.discount.minor >= 0);
        }
        if let Some(Discount::Amount(amount)) = discount {
            prop_assert_eq!(totals.discount.minor, amount.minor.min(gross), "to the last unit");
        }
    }
}
