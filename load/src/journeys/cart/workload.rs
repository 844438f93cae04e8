//! The operations: look at products, buy, cancel.
//!
//! To buy is several requests: a cart is opened, each line is put in, perhaps the voucher is applied, and the cart is checked
//! out. Each change names the version of the cart that the reply before it had.
//!
//! A buyer whose checkout got no reply tries again with the same key, as an operation of its own: the next one that is due on
//! this thread. After [`TRIES`] in vain the check after the load tries once more.
//! Some buyers send their checkout once more though they have the reply: it has to be the same.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::{
    api::{self, SalesView},
    browsing,
    id::Id,
    ledger_state::{Entry, LedgerState},
    mix::Mix,
    page::{self, VISITORS},
    purchase::{CURRENCY, Purchase, Shop},
};
use crate::{
    http::{Reply, RequestBuf},
    journey::{Begun, Failure, Journeys, Operation, Outcome, Step},
    journeys::KindShape,
};

/// Fills a cart and checks it out.
pub(super) const BUY: &str = "buy";
/// Repeats a checkout that got no reply, with its key.
pub(super) const TRY_AGAIN: &str = "try-again";
/// Sends a checkout once more that was replied to.
pub(super) const REPEAT: &str = "repeat";
/// Cancels an order.
pub(super) const CANCEL: &str = "cancel";
/// Asks for the page of a product.
pub(super) const PAGE: &str = "product-page";
/// Asks for two pages of a list.
pub(super) const LIST: &str = "list";
/// Asks for all that the page of a product shows.
pub(super) const WHOLE_PAGE: &str = "whole-page";
/// Reads the sales of a few products.
pub(super) const SALES: &str = "sales";

/// The words of reports for these kinds.
pub(super) const KINDS: [KindShape; 8] = [
    KindShape::new(BUY, "cart filled and checked out"),
    KindShape::new(TRY_AGAIN, "checkout repeated with its key"),
    KindShape::new(REPEAT, "checkout sent twice"),
    KindShape::new(CANCEL, "order cancelled"),
    KindShape::new(PAGE, "page of a product"),
    KindShape::new(LIST, "list of two pages"),
    KindShape::new(WHOLE_PAGE, "whole page of a product"),
    KindShape::new(SALES, "sales of a few products read"),
];

/// How often a buyer tries in all.
const TRIES: u32 = 3;
/// Orders that are remembered, to cancel some.
const REMEMBERED: usize = 64;

/// The steps of an operation that buys. Lines are the steps from [`LINES`] on.
const OPEN: u16 = 0;
const LINES: u16 = 1;
const VOUCHER: u16 = 100;
const CHECKOUT: u16 = 101;

/// A checkout that got no reply.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    buyer: u64,
    /// The version of the cart.
    version: u64,
    tried: u32,
}

/// A checkout that was replied to with an order, and is sent once more.
#[derive(Clone, Copy, Debug)]
struct Repeat {
    buyer: u64,
    version: u64,
    order: Id,
}

/// Chooses operations by the mix, and judges their replies.
#[derive(Debug)]
pub(super) struct Workload {
    shop: Shop,
    ledger: Arc<LedgerState>,
    random: Xoshiro256PlusPlus,
    next_buyer: u64,
    doubts: VecDeque<Doubt>,
    repeats: VecDeque<Repeat>,
    /// Those that were sent once more and have no reply yet.
    repeating: Vec<Repeat>,
    orders: VecDeque<Id>,
}

impl Workload {
    /// The operations of thread `nth`.
    pub(super) fn new(shop: Shop, nth: u64, ledger: Arc<LedgerState>) -> Self {
        let random = Xoshiro256PlusPlus::seed_from_u64(shop.seed.rotate_left(32) ^ nth);
        // Each thread has a range of buyers of its own.
        let (doubts, repeats, orders) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { shop, ledger, random, next_buyer: nth << 40, doubts, repeats, repeating: Vec::new(), orders }
    }

    /// Writes the request of a step of buying, by the version that the cart has.
    fn write_step(&self, op: &Operation, purchase: &Purchase, request: &mut RequestBuf) {
        let (shop, cart) = (&self.shop, self.shop.id(op.key));
        match op.step {
            OPEN => api::open(shop, cart, shop.id(purchase.customer), request),
            VOUCHER => api::apply(shop, cart, op.detail, request),
            CHECKOUT => {
                if shop.mix == Mix::History {
                    self.ledger.opinion.checkout_begins(op.key);
                }
                api::check_out(shop, op.key, purchase, op.detail, request);
            }
            line => {
                let line = purchase.lines()[usize::from(line - LINES)];
                api::put_line(shop, cart, op.detail, (line.product, line.quantity), request);
            }
        }
    }

    /// A step of buying before the checkout was replied to: the next one follows.
    fn filled(&self, op: &mut Operation, reply: &Reply<'_>, request: &mut RequestBuf) -> Step {
        if !matches!(reply.status, 200 | 201) {
            return Step::Done(api::otherwise(reply.status));
        }
        let Some(version) = api::version(&self.shop, reply) else {
            return Step::Done(Outcome::Failed(Failure::WrongAnswer));
        };
        let purchase = self.shop.purchase(op.key);
        op.detail = version;
        op.step = next_step(op.step, &purchase);
        self.write_step(op, &purchase, request);
        Step::Next
    }

    /// A checkout was replied to.
    fn checked_out(&mut self, op: &Operation, reply: &Reply<'_>) -> Outcome {
        match reply.status {
            200..=202 => self.ordered(op, reply),
            409 if api::problem(reply).as_deref() == Some(IN_FLIGHT) => {
                self.doubt(op);
                Outcome::Refused(IN_FLIGHT)
            }
            402 | 409 | 422 => {
                self.ledger.write(Entry::Refused(op.key));
                Outcome::Refused(refusal(api::problem(reply).as_deref()))
            }
            status => {
                // The order may have been made before the 5xx.
                self.ledger.write(Entry::InDoubt(op.key, op.detail));
                api::otherwise(status)
            }
        }
    }

    fn ordered(&mut self, op: &Operation, reply: &Reply<'_>) -> Outcome {
        let Some(view) = api::checked_out(&self.shop, reply) else {
            self.ledger.write(Entry::InDoubt(op.key, op.detail));
            return Outcome::Failed(Failure::WrongAnswer);
        };
        self.ledger.write(Entry::Ordered(op.key, view.order));
        // An order that was only accepted, 202, is placed later; and gRPC does not tell the two apart.
        if reply.status == 201 {
            self.ledger.opinion.checkout_ends(op.key);
        }
        if self.orders.len() == REMEMBERED {
            self.orders.pop_front();
        }
        self.orders.push_back(view.order);
        let purchase = self.shop.purchase(op.key);
        if purchase.is_repeated {
            self.repeats.push_back(Repeat { buyer: op.key, version: op.detail, order: view.order });
        }
        let is_right = view.total.minor == purchase.total() && view.total.currency == CURRENCY;
        if is_right { Outcome::Success } else { Outcome::Failed(Failure::WrongAnswer) }
    }

    /// A checkout was replied to once more: by the same order, if its key was remembered.
    fn repeated(&mut self, op: &Operation, reply: &Reply<'_>) -> Outcome {
        let Some(first) = self.no_longer_repeating(op.key) else {
            return Outcome::Failed(Failure::WrongAnswer);
        };
        match reply.status {
            200..=202 => {
                let Some(view) = api::checked_out(&self.shop, reply) else {
                    return Outcome::Failed(Failure::WrongAnswer);
                };
                self.ledger.write(Entry::Ordered(op.key, view.order));
                let is_same = view.order == first.order;
                if is_same { Outcome::Success } else { Outcome::Failed(Failure::WrongAnswer) }
            }
            409 if api::problem(reply).as_deref() == Some(IN_FLIGHT) => Outcome::Refused(IN_FLIGHT),
            402 | 409 | 422 => {
                self.ledger.write(Entry::Forgotten(op.key));
                Outcome::Failed(Failure::WrongAnswer)
            }
            status => api::otherwise(status),
        }
    }

    fn no_longer_repeating(&mut self, buyer: u64) -> Option<Repeat> {
        let at = self.repeating.iter().position(|repeat| repeat.buyer == buyer)?;
        Some(self.repeating.swap_remove(at))
    }

    /// A checkout got no final reply: it is tried again, if it was not tried often.
    fn doubt(&mut self, op: &Operation) {
        self.ledger.write(Entry::InDoubt(op.key, op.detail));
        // Of a repeated checkout the step counts the tries.
        let tried = if op.kind == TRY_AGAIN { u32::from(op.step) } else { 1 };
        if tried < TRIES {
            self.doubts.push_back(Doubt { buyer: op.key, version: op.detail, tried });
        }
    }

    fn begin_buying(&mut self, op: &mut Operation, request: &mut RequestBuf) {
        if let Some(Doubt { buyer, version, tried }) = self.doubts.pop_front() {
            let step = u16::try_from(tried + 1).unwrap_or(u16::MAX);
            *op = Operation { kind: TRY_AGAIN, step, key: buyer, detail: version };
            let purchase = self.shop.purchase(buyer);
            return api::check_out(&self.shop, buyer, &purchase, version, request);
        }
        if let Some(repeat @ Repeat { buyer, version, .. }) = self.repeats.pop_front() {
            self.repeating.push(repeat);
            *op = Operation { kind: REPEAT, step: 0, key: buyer, detail: version };
            return api::check_out(&self.shop, buyer, &self.shop.purchase(buyer), version, request);
        }
        *op = Operation { kind: BUY, step: OPEN, key: self.next_buyer, detail: 0 };
        self.next_buyer += 1;
        self.write_step(op, &self.shop.purchase(op.key), request);
    }

    fn begin_reading(&self, op: &mut Operation, request: &mut RequestBuf) {
        let now = self.ledger.opinion.now().as_nanos() as u64;
        *op = Operation { kind: SALES, step: 0, key: self.next_buyer, detail: now };
        api::sales(self.shop.round(op.key).into_iter().map(|product| self.shop.id(product)), request);
    }

    fn sales_read(&self, op: &Operation, reply: &Reply<'_>) -> Outcome {
        if reply.status != 200 {
            return api::otherwise(reply.status);
        }
        let Ok(view) = serde_json::from_slice::<SalesView>(reply.body) else {
            return Outcome::Failed(Failure::WrongAnswer);
        };
        self.ledger.opinion.read(Duration::from_nanos(op.detail), view);
        Outcome::Success
    }

    fn begin_cancel(&mut self, op: &mut Operation, request: &mut RequestBuf) -> bool {
        let Some(order) = self.orders.pop_front() else { return false };
        let (key, detail) = ((order.0 >> 64) as u64, order.0 as u64);
        *op = Operation { kind: CANCEL, step: 0, key, detail };
        api::cancel(&self.shop, order, request);
        true
    }

    fn cancelled(&self, op: &Operation, reply: &Reply<'_>) -> Outcome {
        let order = order_of(op);
        if matches!(reply.status, 200..=202) {
            self.ledger.write(Entry::Cancelled(order));
            return Outcome::Success;
        }
        self.ledger.write(Entry::MaybeCancelled(order));
        match reply.status {
            404 => Outcome::Failed(Failure::Missing),
            status => api::otherwise(status),
        }
    }
}

/// The step of buying after this one.
fn next_step(step: u16, purchase: &Purchase) -> u16 {
    let lines = purchase.lines().len() as u16;
    match step {
        VOUCHER => CHECKOUT,
        step if step < lines => step + LINES,
        _ if purchase.has_voucher => VOUCHER,
        _ => CHECKOUT,
    }
}

/// The order that an operation cancels.
fn order_of(op: &Operation) -> Id {
    Id(u128::from(op.key) << 64 | u128::from(op.detail))
}

/// The problem of a key whose first request has not ended.
pub(super) const IN_FLIGHT: &str = "in-flight";

/// The word of a report for a refusal.
fn refusal(problem: Option<&str>) -> &'static str {
    let known = [
        "out-of-stock",
        "payment-declined",
        "insufficient-funds",
        "voucher-used-up",
        "voucher-used-by-customer",
        "cart-changed",
    ];
    known.into_iter().find(|known| problem == Some(known)).unwrap_or("refused")
}

impl Journeys for Workload {
    fn begin(&mut self, op: &mut Operation, request: &mut RequestBuf) -> Begun {
        // Always one draw, so that a seed has the same order of operations whatever is replied.
        match self.shop.mix.pick(self.random.random()) {
            PAGE => {
                *op = Operation { kind: PAGE, step: 0, key: self.shop.draw(&mut self.random), detail: 0 };
                api::product(&self.shop, self.shop.id(op.key), request);
            }
            LIST => {
                *op = Operation { kind: LIST, step: 0, key: 0, detail: 0 };
                api::list(&self.shop, None, request);
            }
            WHOLE_PAGE => {
                let (key, detail) = (self.shop.draw(&mut self.random), self.random.random_range(0..VISITORS));
                *op = Operation { kind: WHOLE_PAGE, step: 0, key, detail };
                page::write(&self.shop, op, request);
            }
            SALES => self.begin_reading(op, request),
            CANCEL if self.begin_cancel(op, request) => {}
            _ => self.begin_buying(op, request),
        }
        Begun::Written
    }

    fn reply(&mut self, op: &mut Operation, reply: &Reply<'_>, request: &mut RequestBuf) -> Step {
        match op.kind {
            PAGE => Step::Done(browsing::page(&self.shop, &self.ledger, op, reply)),
            LIST => browsing::listed(&self.shop, &self.ledger, op, reply, request),
            WHOLE_PAGE => page::read(&self.shop, &self.ledger, op, reply, request),
            SALES => Step::Done(self.sales_read(op, reply)),
            CANCEL => Step::Done(self.cancelled(op, reply)),
            REPEAT => Step::Done(self.repeated(op, reply)),
            BUY if op.step != CHECKOUT => self.filled(op, reply, request),
            _ => Step::Done(self.checked_out(op, reply)),
        }
    }

    fn resent(&mut self, op: &mut Operation) {
        // If nothing can be connected to the second time, the first one may have made an order all the same.
        if op.kind == TRY_AGAIN || (op.kind == BUY && op.step == CHECKOUT) {
            self.ledger.write(Entry::InDoubt(op.key, op.detail));
        }
    }

    fn abandoned(&mut self, op: &mut Operation, why: Failure) {
        if op.kind == REPEAT {
            self.no_longer_repeating(op.key);
        }
        if !why.is_indeterminate() {
            return;
        }
        match op.kind {
            BUY if op.step == CHECKOUT => self.doubt(op),
            TRY_AGAIN => self.doubt(op),
            CANCEL => self.ledger.write(Entry::MaybeCancelled(order_of(op))),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(mix: Mix, buyer: u64) -> Vec<u16> {
        let purchase = Shop::new(7, mix, 20, 10).purchase(buyer);
        let mut steps = vec![OPEN];
        while steps.last() != Some(&CHECKOUT) {
            steps.push(next_step(steps[steps.len() - 1], &purchase));
        }
        steps
    }

    #[test]
    fn a_cart_is_opened_filled_and_checked_out() {
        assert_eq!(steps(Mix::Shop, 1), [OPEN, LINES, LINES + 1, CHECKOUT]);
        assert_eq!(steps(Mix::FlashSale, 1), [OPEN, LINES, CHECKOUT]);
        assert_eq!(steps(Mix::Vouchers, 1), [OPEN, LINES, VOUCHER, CHECKOUT]);
    }
}
