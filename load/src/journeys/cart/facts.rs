//! The facts of the cart's ledger.

use std::time::Duration;

pub use crate::ledger::facts::{ACKNOWLEDGED, CHECKED, LOST, NOT_ASKED, WRONG};
use crate::ledger::{Breach, FactShape};

/// Products and lists that were not as they were made, or not in order.
pub const WRONG_WHEN_READ: &str = "wrong-when-read";
/// Orders of this run whose money was taken.
pub const ORDERS_PAID: &str = "orders-paid";
/// Orders of this run that were cancelled.
pub const ORDERS_CANCELLED: &str = "orders-cancelled";
/// Checkouts without any reply, also after the load.
pub const CHECKOUTS_INDETERMINATE: &str = "checkouts-indeterminate";
/// Orders that are neither paid nor cancelled, and may still become so.
pub const ORDERS_NOT_SETTLED: &str = "orders-not-settled";
/// Checkouts that still ran at the end of the check: their orders, goods and money are not judged.
pub const SAGAS_RUNNING: &str = "sagas-running";
/// Orders that wait for a person.
pub const ORDERS_PARKED: &str = "orders-parked";
/// Orders that nothing moves on any more: neither paid nor cancelled, or with goods or money on their way.
pub const ORDERS_STUCK: &str = "orders-stuck";
/// Checkouts that got another reply when they were repeated with their key.
pub const KEYS_FORGOTTEN: &str = "keys-forgotten";
/// Further orders of a checkout that has one.
pub const ORDERS_DOUBLED: &str = "orders-doubled";
/// Orders of checkouts that were refused.
pub const REFUSED_AND_ORDERED: &str = "refused-and-ordered";
/// Orders that go on though their cancel was acknowledged.
pub const CANCELS_LOST: &str = "cancels-lost";
/// Further charges of a checkout that has paid.
pub const CHARGED_TWICE: &str = "charged-twice";
/// Orders that are paid, and whose money the provider has not taken.
pub const UNPAID: &str = "unpaid";
/// Charges whose money is kept, and whose order was cancelled or never was.
pub const PAID_FOR_NOTHING: &str = "paid-for-nothing";
/// Charges whose money is held, and whose order has ended or never was.
pub const HELD_FOR_NOTHING: &str = "held-for-nothing";
/// Orders of which the provider gave back another amount than the shop says.
pub const REFUNDS_WRONG: &str = "refunds-wrong";
/// Pieces that were ordered and never came in.
pub const OVERSOLD: &str = "oversold";
/// Products of which sold, reserved and left are together not what came in.
pub const STOCK_WRONG: &str = "stock-wrong";
/// Pieces that were ordered and are still for sale.
pub const PIECES_NOT_TAKEN: &str = "pieces-not-taken";
/// Pieces that are gone and that no order has.
pub const PIECES_LOST: &str = "pieces-lost";
/// Pieces that are reserved for no order in progress.
pub const PIECES_HELD_BACK: &str = "pieces-held-back";
/// Uses of a voucher beyond its limits.
pub const VOUCHER_OVERUSED: &str = "voucher-overused";
/// Uses that are counted and not made, or made and not counted.
pub const VOUCHER_MISCOUNTED: &str = "voucher-miscounted";

/// Orders whose checkout took longer than [`LATE`] to end.
pub const SETTLED_LATE: &str = "settled-late";
/// Milliseconds from the first paid order to the end of the checkout of the last one.
pub const SELLING_TOOK_MS: &str = "selling-took-ms";
/// The time from an order to the end of its checkout that is called late.
pub const LATE: Duration = Duration::from_millis(500);
/// Orders that have ended, and whose customers were not told so.
pub const CUSTOMERS_NOT_TOLD: &str = "customers-not-told";
/// Checkouts and reads of sales that were judged as a history.
pub const JUDGED: &str = "history-judged";
/// What no order of these, one after the other, explains.
pub const ANOMALIES: &str = "anomalies";

/// All facts of a check, in the order of a report.
pub(super) const ALL: [FactShape; 33] = [
    FactShape::new(CHECKED, "orders and charges looked up after the load"),
    FactShape::new(ACKNOWLEDGED, "checkouts acknowledged"),
    FactShape::new(NOT_ASKED, "could not be asked for"),
    FactShape::new(CHECKOUTS_INDETERMINATE, "checkouts that got no reply at all"),
    FactShape::new(ORDERS_PAID, "orders paid"),
    FactShape::new(ORDERS_CANCELLED, "orders cancelled"),
    FactShape::breach(Breach::Lost, LOST, "orders acknowledged and gone"),
    FactShape::breach(Breach::Wrong, WRONG, "orders not as acknowledged"),
    FactShape::breach(Breach::Wrong, WRONG_WHEN_READ, "products or lists read wrongly during the load"),
    FactShape::breach(
        Breach::Wrong,
        KEYS_FORGOTTEN,
        "checkouts repeated with their key and replied to otherwise",
    ),
    FactShape::breach(Breach::Duplicated, ORDERS_DOUBLED, "further orders of one checkout"),
    FactShape::breach(Breach::Wrong, REFUSED_AND_ORDERED, "orders of checkouts that were refused"),
    FactShape::breach(Breach::Lost, CANCELS_LOST, "cancels acknowledged and without effect"),
    FactShape::breach(Breach::Duplicated, CHARGED_TWICE, "further charges of one checkout"),
    FactShape::breach(Breach::Lost, UNPAID, "orders paid whose money was not taken"),
    FactShape::breach(Breach::Wrong, PAID_FOR_NOTHING, "charges taken and kept without an order"),
    FactShape::breach(Breach::Wrong, HELD_FOR_NOTHING, "charges held without an order in progress"),
    FactShape::breach(Breach::Wrong, REFUNDS_WRONG, "orders refunded in another amount than they say"),
    FactShape::breach(Breach::Duplicated, OVERSOLD, "pieces ordered that never came in"),
    FactShape::breach(Breach::Wrong, STOCK_WRONG, "products whose stock does not add up"),
    FactShape::breach(Breach::Wrong, PIECES_NOT_TAKEN, "pieces ordered and still for sale"),
    FactShape::breach(Breach::Lost, PIECES_LOST, "pieces gone that no order has"),
    FactShape::breach(Breach::Lost, PIECES_HELD_BACK, "pieces reserved for no order in progress"),
    FactShape::breach(Breach::Duplicated, VOUCHER_OVERUSED, "uses of a voucher beyond its limits"),
    FactShape::breach(
        Breach::Wrong,
        VOUCHER_MISCOUNTED,
        "uses of a voucher that its count does not have right",
    ),
    FactShape::breach(Breach::Lost, ORDERS_STUCK, "orders that nothing moves on any more"),
    FactShape::breach(Breach::Lost, CUSTOMERS_NOT_TOLD, "orders ended whose customers were not told"),
    FactShape::new(ORDERS_PARKED, "orders that wait for a person"),
    FactShape::new(SAGAS_RUNNING, "checkouts that still ran at the end"),
    FactShape::new(SETTLED_LATE, "orders that took over 500 ms to settle"),
    FactShape::new(SELLING_TOOK_MS, "milliseconds from the first paid order to the last"),
    FactShape::new(JUDGED, "checkouts and reads judged as a history"),
    FactShape::breach(Breach::Wrong, ANOMALIES, "anomalies in the history of sales"),
];
