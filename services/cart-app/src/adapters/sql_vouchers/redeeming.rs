//! Uses of vouchers, in a transaction of either database.

use async_trait::async_trait;
use cart::{
    CustomerId, OrderId, Outcome, Redemption, UseChange, VoucherAction, VoucherCode, VoucherCommand,
    VoucherStanding, check_uses, voucher_effect,
};
use contract::Timestamp;

use crate::adapters::{
    inbox::{Inbox, VOUCHERS},
    rows::{Aborted, undecoded},
};

/// `code, customer, is_restored`; the last is null while nothing is noted.
pub(super) type RedemptionRow = (Option<String>, Option<String>, Option<bool>);

/// The statements about vouchers in a transaction.
///
/// The first one of a transaction writes: SQLite takes its write lock with it, and waits for that only at the beginning.
#[async_trait]
pub(in crate::adapters) trait VoucherRows: Inbox {
    /// What is noted about an order, which is locked from now on: its commands take turns.
    async fn lock_redemption(&mut self, order: OrderId) -> Result<Option<Redemption>, sqlx::Error>;

    /// Notes this about an order.
    async fn note_redemption(&mut self, order: OrderId, redemption: &Redemption) -> Result<(), sqlx::Error>;

    /// A voucher, which is locked from now on: its uses take turns.
    async fn lock_voucher(&mut self, code: &VoucherCode) -> Result<Option<VoucherStanding>, sqlx::Error>;

    /// How often a customer has used a voucher.
    async fn used_by(&mut self, code: &VoucherCode, customer: CustomerId) -> Result<u32, sqlx::Error>;

    /// Counts so many uses more of a voucher, or less.
    async fn add_uses(&mut self, code: &VoucherCode, uses: i32) -> Result<(), sqlx::Error>;
}

/// Performs a command, unless it was performed before.
pub(super) async fn perform(
    rows: &mut impl VoucherRows,
    command: &VoucherCommand,
    now: Timestamp,
) -> Result<Outcome, Aborted> {
    let (order, id) = (command.key.order, command.key.id());
    let noted = rows.lock_redemption(order).await?;
    if let Some(outcome) = rows.outcome(VOUCHERS, id).await? {
        return Ok(outcome);
    }
    let outcome = act(rows, order, noted.as_ref(), &command.action).await?;
    rows.note_outcome(VOUCHERS, id, outcome, now).await?;
    Ok(outcome)
}

/// Uses a voucher for an order, in a transaction that does more than that.
pub(in crate::adapters) async fn redeem(
    rows: &mut impl VoucherRows,
    order: OrderId,
    code: &VoucherCode,
    customer: CustomerId,
) -> Result<Outcome, Aborted> {
    let noted = rows.lock_redemption(order).await?;
    act(rows, order, noted.as_ref(), &VoucherAction::Redeem { code: code.clone(), customer }).await
}

async fn act(
    rows: &mut impl VoucherRows,
    order: OrderId,
    noted: Option<&Redemption>,
    action: &VoucherAction,
) -> Result<Outcome, Aborted> {
    let effect = voucher_effect(noted, action);
    let Some(redemption) = effect.redemption else { return Ok(effect.outcome) };
    if let Some((code, customer)) = &redemption.used {
        match effect.change {
            UseChange::None => {}
            UseChange::Use => {
                let checked = check(rows, code, *customer).await?;
                if checked != Outcome::Done {
                    return Ok(checked);
                }
                rows.add_uses(code, 1).await?;
            }
            UseChange::GiveBack => rows.add_uses(code, -1).await?,
        }
    }
    rows.note_redemption(order, &redemption).await?;
    Ok(effect.outcome)
}

/// Whether a voucher may be used once more. It is locked first, so that nobody else uses it until this transaction ends.
async fn check(
    rows: &mut impl VoucherRows,
    code: &VoucherCode,
    customer: CustomerId,
) -> Result<Outcome, Aborted> {
    let Some(VoucherStanding { voucher, used }) = rows.lock_voucher(code).await? else {
        return Ok(check_uses(None, 0, 0));
    };
    let used_by_customer = rows.used_by(code, customer).await?;
    Ok(check_uses(Some(&voucher), used, used_by_customer))
}

/// Parses a row; fails if a column violates the contract.
pub(super) fn redemption(row: RedemptionRow) -> Result<Option<Redemption>, sqlx::Error> {
    let (code, customer, is_restored) = row;
    let Some(is_restored) = is_restored else { return Ok(None) };
    let used = match (code, customer) {
        (Some(code), Some(customer)) => Some((
            VoucherCode::parse(code).map_err(undecoded)?,
            CustomerId::parse(&customer).map_err(undecoded)?,
        )),
        _ => None,
    };
    Ok(Some(Redemption { used, is_restored }))
}
