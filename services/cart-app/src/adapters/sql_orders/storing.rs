//! A decision about a checkout, stored in a transaction of either database together with its messages.

use backing::OutboxTransaction;
use cart::{Decision, ProductId};

use super::rows::OrderRows;
use crate::{
    adapters::rows::Aborted,
    postbox::{Leaving, OrderPost},
};

/// Stores a new checkout with its messages.
pub(in crate::adapters) async fn store_new(
    rows: &mut (impl OrderRows + OutboxTransaction),
    post: &OrderPost,
    decision: &Decision,
    commands_in_outbox: bool,
) -> Result<Leaving, Aborted> {
    rows.add_purchase(&decision.purchase).await?;
    Ok(post.write(rows, decision, commands_in_outbox).await?)
}

/// Stores a checkout that has changed, with its messages.
pub(super) async fn store_changed(
    rows: &mut (impl OrderRows + OutboxTransaction),
    post: &OrderPost,
    decision: &Decision,
    commands_in_outbox: bool,
) -> Result<Leaving, Aborted> {
    rows.change_purchase(&decision.purchase).await?;
    Ok(post.write(rows, decision, commands_in_outbox).await?)
}

/// Notes the order at its products, if it has just become a sale. The last thing that a transaction does: from here to its
/// commit, other orders of the same products wait.
pub(in crate::adapters) async fn store_sale(
    rows: &mut impl OrderRows,
    decision: &Decision,
) -> Result<(), Aborted> {
    if decision.is_sale {
        let order = &decision.purchase.order;
        let mut products: Vec<ProductId> = order.lines.iter().map(|line| line.product).collect();
        products.sort_unstable();
        rows.add_sale(order.id, &products).await?;
    }
    Ok(())
}
