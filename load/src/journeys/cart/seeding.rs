//! Before the load: products with their pieces, and the voucher; and how many charges the provider has already.

use std::{ops::Range, time::Duration};

use super::{api, books, ledger_state::LedgerState, mix::Mix, purchase::Shop};
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
    let total = 2 * shop.products;
    let mut done = 0;
    // All products before their pieces.
    for is_delivery in [false, true] {
        let mut seeding = Seeding { shop, is_delivery, left: 0..shop.products, done: 0 };
        request_all(&mut seeding, lane, IN_FLIGHT, LONGEST, &mut |record| {
            progress(Progress { done: (done + record.succeeded).min(total), total })
        })?;
        done += seeding.done;
    }
    progress(Progress { done, total });
    if done < total {
        return Err(incomplete("products and deliveries", done, total, lane));
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

/// The offer of each product, or its delivery.
struct Seeding<'a> {
    shop: &'a Shop,
    is_delivery: bool,
    left: Range<u64>,
    done: u64,
}

impl RequestList for Seeding<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.left.next()
    }

    fn write(&self, &product: &u64, request: &mut RequestBuf) {
        if self.is_delivery {
            api::deliver(self.shop, product, request);
        } else {
            api::offer(self.shop, product, request);
        }
    }

    fn accept(&mut self, _: &u64, reply: &Reply<'_>) -> bool {
        let is_done = reply.status == 200;
        self.done += u64::from(is_done);
        is_done
    }
}
