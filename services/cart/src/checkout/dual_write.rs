//! `dual-write`, a negative control: the order is committed, and then its first command is sent.
//!
//! Between the two, a process that is killed loses the command: the order is pending for ever, because nothing looks for
//! sagas that stand still either. The difference to `saga` is one argument and one loop.

use super::{Attempt, CheckoutParts};
use crate::{CommandSender, OrderError, Purchase, Reply};

pub(super) async fn run(
    parts: &CheckoutParts,
    sender: &dyn CommandSender,
    attempt: &Attempt,
) -> Result<Reply, OrderError> {
    let Attempt { key, order, token } = attempt;
    let begun = Purchase::begin(order.clone(), token.clone(), parts.clock.now());
    let reply = parts.store.begin(key, &begun, false).await?;
    for command in &begun.commands {
        sender.send(command).await?;
    }
    Ok(reply)
}
