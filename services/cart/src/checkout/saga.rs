//! `saga`: one transaction stores the order, the reply and the first command; replies and a timer do the rest.
//!
//! The customer is told that the order is accepted, not that it is paid. Nothing is lost wherever a process is killed: before
//! the transaction nothing has happened, and after it the outbox has the command.

use super::{Attempt, CheckoutParts};
use crate::{OrderError, Purchase, Reply};

pub(super) async fn run(parts: &CheckoutParts, attempt: &Attempt) -> Result<Reply, OrderError> {
    let Attempt { key, order, token } = attempt;
    let begun = Purchase::begin(order.clone(), token.clone(), parts.clock.now());
    Ok(parts.store.begin(key, &begun, true).await?)
}
