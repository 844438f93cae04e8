//! What is for sale, and what each buyer buys: both follow from the seed and a number, so that the check knows what a
//! cart held and what it had to cost without having stored it.

use std::sync::Arc;

use rand::{Rng, RngExt, SeedableRng, rngs::Xoshiro256PlusPlus, seq::SliceRandom};
use rand_distr::{Distribution, weighted::WeightedAliasIndex};

use super::{edge::Edge, id::Id, mix::Mix};

/// The one currency.
pub(super) const CURRENCY: &str = "EUR";
/// What the voucher takes off each line, in basis points: a share that has to be rounded.
pub(super) const PERCENT_OFF: u32 = 1_250;
/// Pieces of each product where there are plenty.
const PLENTY: u64 = 1_000_000_000;
/// The most pieces of a line.
const MOST_PIECES: u32 = 3;
/// One buyer in so many pays with a card without funds.
const WITHOUT_FUNDS: u32 = 50;
/// One buyer in so many sends the checkout once more after its reply, as who presses a button twice.
pub(super) const REPEATING: u32 = 20;
/// In the mix `history`, so many buyers of each thread buy of the same products, before it goes on with the next ones: the
/// lists of a history stay short.
const BUYERS_OF_A_ROUND: u64 = 12;
/// The products of a round.
const PRODUCTS_OF_A_ROUND: u64 = 4;
/// The part of a buyer's number that counts; the rest is the thread's.
const NUMBER: u64 = (1 << 40) - 1;
/// A card that pays, and one that the stand-in provider declines.
const CARDS: [&str; 2] = ["visa", "insufficient-funds"];

/// What is for sale in a run.
#[derive(Clone, Debug)]
pub(super) struct Shop {
    pub(super) seed: u64,
    pub(super) mix: Mix,
    /// Products, at least one.
    pub(super) products: u64,
    /// The pieces of the flash sale's product, or the uses of the voucher.
    pub(super) few: u64,
    /// What buyers speak to it.
    pub(super) edge: Edge,
    popularity: Arc<Option<WeightedAliasIndex<f64>>>,
}

/// So many pieces of a product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) product: u64,
    pub(super) quantity: u32,
}

/// What one buyer buys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Purchase {
    lines: [Line; 2],
    count: usize,
    pub(super) customer: u64,
    pub(super) card: &'static str,
    pub(super) has_voucher: bool,
    /// Whether the checkout is sent once more after its reply.
    pub(super) is_repeated: bool,
}

impl Shop {
    /// A shop with so many products (at least one), of which the k-th most popular is chosen 1/k as often as the first.
    pub(super) fn new(seed: u64, mix: Mix, products: usize, few: u64) -> Self {
        let products = if mix == Mix::FlashSale { 1 } else { products.max(1) };
        let mut weights: Vec<f64> = (1..=products).map(|rank| 1.0 / rank as f64).collect();
        // Popularity is independent of the order in which products are stored.
        weights.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        let popularity = Arc::new(WeightedAliasIndex::new(weights).ok());
        Self { seed, mix, products: products as u64, few, edge: Edge::Rest, popularity }
    }

    /// The same shop, spoken to in this.
    pub(super) fn speaking(self, edge: Edge) -> Self {
        Self { edge, ..self }
    }

    /// The name of a product; the names of a run have a beginning in common, and sort as the numbers do.
    pub(super) fn name(&self, product: u64) -> String {
        format!("{}-{product:07}", self.names())
    }

    /// What the names of this run's products begin with.
    pub(super) fn names(&self) -> String {
        format!("thing-{:016x}", self.seed)
    }

    /// How many pieces of each product come in before the load.
    pub(super) fn pieces(&self) -> u64 {
        if self.mix == Mix::FlashSale { self.few } else { PLENTY }
    }

    /// The code of the voucher.
    pub(super) fn voucher(&self) -> String {
        format!("V{:X}", self.seed)
    }

    /// A product, by popularity.
    pub(super) fn draw(&self, random: &mut impl Rng) -> u64 {
        (*self.popularity).as_ref().map_or(0, |popularity| popularity.sample(random) as u64)
    }

    /// What the buyer with this number buys.
    pub(super) fn purchase(&self, buyer: u64) -> Purchase {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ buyer.rotate_left(24));
        let first = self.draw(&mut random);
        let other =
            (first + 1 + self.draw(&mut random) % self.products.saturating_sub(1).max(1)) % self.products;
        let mut line = |product| Line { product, quantity: random.random_range(1..=MOST_PIECES) };
        let lines = [line(first), line(other)];
        let is_poor = random.random_range(0..WITHOUT_FUNDS) == 0;
        let is_repeated = random.random_range(0..REPEATING) == 0;
        let single = [Line { product: first, quantity: 1 }, Line::default()];
        let plain = Purchase {
            lines: single,
            count: 1,
            customer: buyer,
            card: CARDS[0],
            has_voucher: false,
            is_repeated,
        };
        match self.mix {
            Mix::FlashSale => plain,
            // Twice as many customers as uses: some come again, and meet the limit of their own.
            Mix::Vouchers => {
                Purchase { customer: random.random_range(0..2 * self.few.max(1)), has_voucher: true, ..plain }
            }
            Mix::History => {
                let products = self.round(buyer);
                let count = products.len();
                let one = random.random_range(0..count);
                let other = (one + random.random_range(1..count.max(2))) % count;
                let lines = [one, other].map(|at| Line { product: products[at], quantity: 1 });
                Purchase { lines, count: if one == other { 1 } else { 2 }, ..plain }
            }
            Mix::Shop | Mix::Browse | Mix::Page => {
                let count = if first == other { 1 } else { 2 };
                Purchase { lines, count, card: CARDS[usize::from(is_poor)], ..plain }
            }
        }
    }

    /// The products that are bought in the mix `history` when it is this buyer's turn; at least one.
    pub(super) fn round(&self, buyer: u64) -> Vec<u64> {
        let size = PRODUCTS_OF_A_ROUND.min(self.products);
        let rounds = self.products / size;
        let first = (buyer & NUMBER) / BUYERS_OF_A_ROUND % rounds * size;
        (first..first + size).collect()
    }

    /// The id of a product, and of a buyer's cart.
    pub(super) fn id(&self, number: u64) -> Id {
        Id::of(self.seed, number)
    }
}

impl Purchase {
    /// What it costs: the sum of its lines, each less its discount.
    pub(super) fn total(&self) -> i64 {
        let percent = if self.has_voucher { PERCENT_OFF } else { 0 };
        let nets =
            self.lines().iter().map(|line| net(price(line.product) * i64::from(line.quantity), percent));
        nets.sum()
    }

    /// The lines, each of another product.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines[..self.count]
    }
}

/// The price of a product, in minor units: EUR 1.00 to EUR 100.00.
pub(super) fn price(product: u64) -> i64 {
    (100 + product % 9_901 * 7_919 % 9_901).cast_signed()
}

/// An amount less so many basis points, the discount rounded half to even.
fn net(gross: i64, basis_points: u32) -> i64 {
    let exact = gross * i64::from(basis_points);
    let (floor, rest) = (exact / 10_000, exact % 10_000);
    let is_up = match rest.cmp(&5_000) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => floor % 2 == 1,
        std::cmp::Ordering::Greater => true,
    };
    gross - floor - i64::from(is_up)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buyer_buys_the_same_whenever_that_is_worked_out() {
        for mix in [Mix::Shop, Mix::FlashSale, Mix::Vouchers] {
            let [one, again] = [0, 1].map(|_| Shop::new(7, mix, 50, 10));
            assert!((0..100).all(|buyer| one.purchase(buyer) == again.purchase(buyer)), "{mix:?}");
        }
    }

    #[test]
    fn a_cart_of_the_shop_has_two_products_and_some_cards_do_not_pay() {
        let shop = Shop::new(7, Mix::Shop, 2, 10);
        let purchases: Vec<_> = (0..1_000).map(|buyer| shop.purchase(buyer)).collect();
        for purchase in &purchases {
            let [one, other] = purchase.lines() else { panic!("{purchase:?}") };
            assert_ne!(one.product, other.product);
            assert!(purchase.lines().iter().all(|line| line.product < 2 && (1..=3).contains(&line.quantity)));
        }
        let orders: std::collections::BTreeSet<_> =
            purchases.iter().map(|purchase| purchase.lines()[0].product).collect();
        assert_eq!(orders.len(), 2, "carts are filled in either order");
        let poor = purchases.iter().filter(|purchase| purchase.card == "insufficient-funds").count();
        assert!((5..50).contains(&poor), "{poor}");
    }

    #[test]
    fn a_shop_with_one_product_sells_that() {
        let purchase = Shop::new(7, Mix::Shop, 1, 10).purchase(3);
        assert_eq!(purchase.lines().len(), 1);
        assert_eq!(Shop::new(7, Mix::FlashSale, 50, 10).products, 1);
    }

    #[test]
    fn a_discount_is_rounded_half_to_even_by_line() {
        // 12.5 %: of 4 that is half a cent, which rounds to 0; of 12 it is one and a half, which rounds to 2.
        assert_eq!([net(4, 1_250), net(12, 1_250), net(8, 1_250), net(10_000, 1_250)], [4, 10, 7, 8_750]);
        assert_eq!(net(999, 0), 999);
    }

    #[test]
    fn prices_are_between_their_bounds_and_differ() {
        let prices: std::collections::BTreeSet<_> = (0..9_901).map(price).collect();
        assert_eq!((prices.len(), prices.first(), prices.last()), (9_901, Some(&100), Some(&10_000)));
    }
}
