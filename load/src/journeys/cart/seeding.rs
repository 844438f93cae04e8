//! Before the load: products with their pieces, and the voucher; and how many charges the provider has already.

use std::{ops::Range, time::Duration};

use super::{api, books, ledger_state::LedgerState, mix::Mix, page, purchase::Shop};
use crate::{
    http::{Reply, RequestBuf},
    journeys::{
        PrepareError, Progress,
        request_list::{RequestList, request_all, request_one},
    },
    sender::Lane,
};

/// The requests in flight at once.
const IN_FLIGHT: usize = 32;
/// The time limit of the preparation.
const LONGEST: Duration = Duration::from_mins(10);

/// Fills the shop.
pub(super) fn seed(
    shop: &Shop,
    ledger: &LedgerState,
    lane: &mut Lane,
    progress: &mut dyn FnMut(Progress) -> bool,
) -> Result<(), PrepareError> {
    let visitors = if shop.mix == Mix::Page { page::VISITORS } else { 0 };
    let total = 2 * (shop.products + visitors);
    let mut done = 0;
    // Each kind before the next: pieces are of products, and lines are in carts.
    for kind in [Kind::Offer, Kind::Delivery, Kind::Cart, Kind::Line] {
        let left = 0..if matches!(kind, Kind::Cart | Kind::Line) { visitors } else { shop.products };
        let mut seeding = Seeding { shop, kind, left, done: 0 };
        request_all(&mut seeding, lane, IN_FLIGHT, LONGEST, &mut |record| {
            progress(Progress { done: (done + record.succeeded).min(total), total })
        })?;
        done += seeding.done;
    }
    progress(Progress { done, total });
    if done < total {
        return Err(incomplete("products, deliveries and lines of carts", done, total, lane));
    }
    if shop.mix == Mix::Vouchers {
        let issued = request_one(lane, LONGEST, |request| api::issue(shop, request))?;
        if issued.is_none_or(|(status, _)| status != 200) {
            return Err(incomplete("vouchers", 0, 1, lane));
        }
    }
    if shop.mix.buys() {
        let before = books::read(0, lane, LONGEST)?.ok_or_else(|| incomplete("books", 0, 1, lane))?;
        ledger.begins_after(before.len() as u64);
    }
    Ok(())
}

fn incomplete(what: &'static str, done: u64, total: u64, lane: &Lane) -> PrepareError {
    let record = lane.record();
    let causes = record.failed.iter().chain(record.refused.iter());
    let failures = causes.map(|(cause, count)| format!("{cause} {count}")).collect::<Vec<_>>().join(", ");
    PrepareError::Incomplete { what, done, total, failures }
}

/// What is made before the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A product.
    Offer,
    /// Its pieces.
    Delivery,
    /// The cart of a visitor.
    Cart,
    /// What is in it.
    Line,
}

/// The things of one kind.
struct Seeding<'a> {
    shop: &'a Shop,
    kind: Kind,
    left: Range<u64>,
    done: u64,
}

impl RequestList for Seeding<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.left.next()
    }

    fn write(&self, &number: &u64, request: &mut RequestBuf) {
        let (shop, id) = (self.shop, self.shop.id(number));
        match self.kind {
            Kind::Offer => api::offer(shop, number, request),
            Kind::Delivery => api::deliver(shop, number, request),
            Kind::Cart => api::open(shop, id, id, request),
            Kind::Line => api::put_line(shop, id, 0, page::in_cart(shop, number), request),
        }
    }

    fn accept(&mut self, _: &u64, reply: &Reply<'_>) -> bool {
        // A line that got no reply may be there: its cart has another version by then.
        let is_there = self.kind == Kind::Line && api::problem(reply).as_deref() == Some("cart-changed");
        let is_done = reply.status == 200 || is_there;
        self.done += u64::from(is_done);
        is_done
    }
}
