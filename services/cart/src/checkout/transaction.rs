//! `transaction`: the provider holds the money, and one transaction does everything else.
//!
//! The transaction sells the goods, uses the voucher, and stores the order, the reply and the command to take the money, or
//! none of that: then it stores the refusal and the command to let the money go. An attempt that ends before it, killed or too
//! late, leaves a hold: the next attempt with the key finds it by the order's id, and if nobody tries again, the timer refuses
//! the checkout and lets the money go.

use super::{Attempt, CheckoutParts, of_payments};
use crate::{Command, OrderError, Outcome, Purchase, Purpose, Refusal, Reply, ShopTransaction, Step};

pub(super) async fn run(
    parts: &CheckoutParts,
    shop: &dyn ShopTransaction,
    attempt: &Attempt,
) -> Result<Reply, OrderError> {
    let Attempt { key, order, token } = attempt;
    let now = parts.clock.now();
    let placed = Purchase::placed(order.clone(), token.clone(), now);
    let refused = |reason, is_held| Purchase::refused(order.clone(), token.clone(), reason, is_held, now);
    if let Some(reason) = authorise(parts, &placed.purchase).await? {
        return Ok(parts.store.begin(key, &refused(reason, false), true).await?);
    }
    Ok(shop.place(key, &placed, &|reason| refused(reason, true)).await?)
}

/// Has the provider hold the money; returns why it does not. The command is the same in every attempt, so that the money is
/// held once.
async fn authorise(parts: &CheckoutParts, purchase: &Purchase) -> Result<Option<Refusal>, OrderError> {
    let Command::Payment(command) = purchase.command(Purpose::Do(Step::Authorise)) else { return Ok(None) };
    if purchase.order.total.minor == 0 {
        return Ok(None);
    }
    match parts.payments.perform(command).await.map_err(of_payments)?.outcome {
        Outcome::Done => Ok(None),
        Outcome::Refused(reason) => Ok(Some(reason)),
    }
}
