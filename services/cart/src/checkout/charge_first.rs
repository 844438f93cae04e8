//! `charge-first`, a negative control: the money is taken, and then the goods and the voucher, one call after the other.
//!
//! What fails behind the charge leaves it: the customer has paid, and there is no order. (Online Boutique's
//! `checkoutservice` does so.)

use super::{Attempt, CheckoutParts, of_payments, of_stock, of_vouchers};
use crate::{Command, OrderError, Outcome, Purchase, Purpose, Reply, Step};

/// The order of the calls: the money first.
const CALLS: [Step; 5] = [Step::Authorise, Step::Capture, Step::Reserve, Step::Commit, Step::Redeem];

pub(super) async fn run(parts: &CheckoutParts, attempt: &Attempt) -> Result<Reply, OrderError> {
    let Attempt { key, order, token } = attempt;
    let taken = Purchase::taken(order.clone(), token.clone(), parts.clock.now());
    let is_needed = |call: &Step| taken.purchase.saga.steps.iter().any(|step| step.step == *call);
    for step in CALLS.into_iter().filter(is_needed) {
        let outcome = match taken.purchase.command(Purpose::Do(step)) {
            Command::Stock(command) => parts.stock.perform(command).await.map_err(of_stock)?.outcome,
            Command::Voucher(command) => parts.vouchers.perform(command).await.map_err(of_vouchers)?.outcome,
            Command::Payment(command) => parts.payments.perform(command).await.map_err(of_payments)?.outcome,
        };
        if let Outcome::Refused(reason) = outcome {
            return Ok(Err(reason));
        }
    }
    Ok(parts.store.begin(key, &taken, true).await?)
}
