//! The cart: buyers look at products, fill carts, check out, and sometimes cancel.
//!
//! - [`mix`]: what users do;
//! - `purchase`: what is for sale, and what each buyer buys, worked out from the seed;
//! - `api`: requests and replies of the public API;
//! - `ledger_state`: what was acknowledged, and what got no reply;
//! - `edge`: what buyers speak to the shop;
//! - `browsing`, `page`, `workload`: the operations;
//! - [`facts`]: the facts of its ledger;
//! - `evidence`, `judge`: what a check has found, and what is wrong with it, both pure;
//! - `opinion`: checkouts and reads of sales as a history, which a checker judges that knows nothing of the ledger;
//! - `seeding`, `books`, `check`: before and after.

mod api;
mod books;
mod browsing;
mod check;
mod edge;
mod evidence;
pub mod facts;
mod judge;
mod ledger_state;
pub mod mix;
mod opinion;
mod page;
mod purchase;
mod seeding;
mod workload;

use std::{io, sync::Arc};

pub use self::edge::EDGE;
use self::{edge::Edge, ledger_state::LedgerState, mix::Mix, purchase::Shop, workload::Workload};
use super::{
    Check, CounterShape, JourneyError, JourneyOptions, KindShape, OptionShape, PrepareError, Progress,
    RatioShape, SystemJourneys, SystemUnderTest, id, is_within,
};
use crate::{
    journey::Journeys,
    ledger::{FactShape, LedgerVerdict},
    sender::Lane,
};

/// How many pieces or uses the scarce thing has.
pub const FEW: OptionShape = OptionShape {
    name: "few",
    summary: "pieces of the product of `flash-sale`, or uses of the voucher of `vouchers` [default: 100]",
    values: "1 to 1000000",
    accepts: is_within::<1, 1_000_000>,
};

/// The counters of its processes.
const COUNTERS: [CounterShape; 2] = [
    CounterShape { name: "changes of goods", metric: "goods_changed_total" },
    CounterShape { name: "microseconds in which goods were held", metric: "goods_held_microseconds_total" },
];

/// While one transaction holds a product's goods, no other one can change them.
const RATIOS: [RatioShape; 1] = [RatioShape {
    name: "changes of one product's goods that fit in a second",
    times: 1e6,
    of: COUNTERS[0].name,
    by: COUNTERS[1].name,
}];

const OPTIONS: [OptionShape; 2] = [FEW, EDGE];

/// The cart.
#[derive(Debug)]
pub struct Cart;

impl SystemUnderTest for Cart {
    fn name(&self) -> &'static str {
        "cart"
    }

    fn summary(&self) -> &'static str {
        "look at products, fill carts and check out"
    }

    fn mixes(&self) -> &'static [(&'static str, &'static str)] {
        &mix::NAMES
    }

    fn shares(&self, mix: &str) -> Vec<(&'static str, f64)> {
        Mix::named(mix).shares()
    }

    fn journeys(
        &self,
        options: &JourneyOptions,
        mix: &'static str,
    ) -> Result<Box<dyn SystemJourneys>, JourneyError> {
        let few = options.parsed(&FEW, 100)?;
        let edge = options.parsed(&EDGE, Edge::Rest)?;
        let shop = Shop::new(options.seed, Mix::named(mix), options.things, few).speaking(edge);
        Ok(Box::new(CartJourneys::new(shop)?))
    }

    fn things(&self) -> Option<&'static str> {
        Some("products")
    }

    fn only_path(&self) -> Option<&'static str> {
        Some("/products")
    }

    fn facts(&self) -> &'static [FactShape] {
        &facts::ALL
    }

    fn kinds(&self) -> &'static [KindShape] {
        &workload::KINDS
    }

    fn counters(&self) -> &'static [CounterShape] {
        &COUNTERS
    }

    fn ratios(&self) -> &'static [RatioShape] {
        &RATIOS
    }

    fn options(&self) -> &'static [OptionShape] {
        &OPTIONS
    }
}

/// The cart's journeys.
struct CartJourneys {
    shop: Shop,
    ledger: Arc<LedgerState>,
    workload: Workload,
}

impl CartJourneys {
    /// Journeys in a shop that the preparation fills.
    fn new(shop: Shop) -> io::Result<Self> {
        let ledger = Arc::new(LedgerState::new()?);
        let workload = Workload::new(shop.clone(), 0, Arc::clone(&ledger));
        Ok(Self { shop, ledger, workload })
    }
}

impl SystemJourneys for CartJourneys {
    fn prepare(
        &mut self,
        lane: &mut Lane,
        progress: &mut dyn FnMut(Progress) -> bool,
    ) -> Result<(), PrepareError> {
        seeding::seed(&self.shop, &self.ledger, lane, progress)
    }

    fn operations(&mut self) -> &mut dyn Journeys {
        &mut self.workload
    }

    fn check(&mut self, lane: &mut Lane, check: &Check) -> LedgerVerdict {
        check::check(&self.shop, &self.ledger, lane, check)
    }

    fn fork(&self, nth: u64) -> Box<dyn SystemJourneys> {
        let (shop, ledger) = (self.shop.clone(), Arc::clone(&self.ledger));
        let workload = Workload::new(shop.clone(), nth, Arc::clone(&ledger));
        Box::new(Self { shop, ledger, workload })
    }
}
