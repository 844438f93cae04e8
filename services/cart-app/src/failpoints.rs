//! The failpoints of the cart: each await between two effects, at which a test ends the process (decision 0071).
//!
//! The test `cart_crash` goes through this list: a point that is not in it is never armed, and one that is never reached
//! fails the test. The document of the system has the same list.

use crate::axes::Checkout::{self, Saga, Transaction};

/// A place between two effects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Its name, as `backing::failpoint` has it: `checkout.claimed`.
    pub name: &'static str,
    /// What has happened by then, and what has not.
    pub between: &'static str,
    /// The value of `checkout` by which alone it is reached; `None`: by each.
    pub only: Option<Checkout>,
}

const fn always(name: &'static str, between: &'static str) -> Point {
    Point { name, between, only: None }
}

const fn only(checkout: Checkout, name: &'static str, between: &'static str) -> Point {
    Point { name, between, only: Some(checkout) }
}

/// Every point, in the order in which a checkout comes to them.
pub const POINTS: &[Point] = &[
    always("checkout.claimed", "the key is claimed, and nothing else has happened"),
    only(Transaction, "checkout.authorised", "the provider holds the money, and the shop has no order"),
    always("checkout.uncommitted", "everything of the order is written, and not committed"),
    always("checkout.committed", "the order is committed, and none of its messages has left"),
    only(
        Transaction,
        "refusal.uncommitted",
        "goods or voucher were refused, and the refusal is not committed",
    ),
    only(Transaction, "refusal.committed", "the refusal is committed, and the money is still held"),
    always("reply.unsent", "the checkout is done, and its customer has no reply"),
    always("relay.published", "a message is published, and its row in the outbox is still there"),
    only(Saga, "stock-commands.received", "the stock has a command, and has not begun"),
    only(Saga, "stock.uncommitted", "goods, inbox and reply are written, and not committed"),
    only(Saga, "stock-commands.performed", "they are committed, and the command is not acknowledged"),
    only(Saga, "voucher-commands.received", "the vouchers have a command, and have not begun"),
    only(Saga, "voucher.uncommitted", "use, inbox and reply are written, and not committed"),
    only(Saga, "voucher-commands.performed", "they are committed, and the command is not acknowledged"),
    always("payment-commands.received", "payments have a command, and have not begun"),
    always("provider.uncalled", "what the provider will be asked for is noted, and it was not asked"),
    always("provider.answered", "the provider has done it, and the shop has not noted that"),
    always("payment.uncommitted", "payment, inbox and reply are written, and not committed"),
    always("payment-commands.performed", "they are committed, and the command is not acknowledged"),
    always("replies.received", "the orders have a participant's reply, and have not begun"),
    always(
        "advance.uncommitted",
        "the next state of the saga and its commands are written, and not committed",
    ),
    always("advance.committed", "they are committed, and no command has left"),
    always("replies.performed", "the saga has moved on, and the reply is not acknowledged"),
    always("orders.received", "notices or carts have an event of an order, and have not begun"),
    always(
        "orders.performed",
        "the customer is told, or the cart is empty, and the event is not acknowledged",
    ),
    always("timer.resent", "a saga that was overdue has sent its command again"),
    always("webhook.noted", "a webhook is noted, and the provider has no reply"),
];
