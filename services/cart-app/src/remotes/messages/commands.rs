//! What sagas and participants tell each other, and what happens to orders.

use cart::{
    CommandKey, OrderEvent, OrderNews, Outcome, PaymentAction, PaymentCommand, PaymentToken, Purpose,
    Refusal, SagaReply, StockAction, StockCommand, VoucherAction, VoucherCode, VoucherCommand,
};
use remote::{Codec as _, Malformed, Many, Plain, Required, UnixMillis, Uuid};

use super::values::{Number, amount};
use crate::remotes::proto::v1::{
    self as proto, command_key, order_event, payment_command, stock_command, voucher_command,
};

remote::messages! { proto:
    SagaReply as SagaReply { command by Required, outcome as refused by Refused }
    StockCommand as StockCommand { key by Required, action by Required }
    VoucherCommand as VoucherCommand { key by Required, action by Required }
    PaymentCommand as PaymentCommand { key by Required, amount by Required, action by Required }
    OrderEvent as OrderEvent {
        id by Uuid,
        order as order_id by Uuid,
        customer as customer_id by Uuid,
        cart as cart_id by Uuid,
        total by Required,
        at as at_ms by UnixMillis,
        news by Required,
    }
}

/// Encodes an outcome as the reason of a refusal, if it is one.
struct Refused;

impl remote::Codec<Outcome, Option<proto::Refusal>> for Refused {
    fn write(outcome: Outcome) -> Option<proto::Refusal> {
        match outcome {
            Outcome::Done => None,
            Outcome::Refused(reason) => Some(reason.into()),
        }
    }

    fn read(field: &'static str, held: Option<proto::Refusal>) -> Result<Outcome, Malformed> {
        let Some(refusal) = held else { return Ok(Outcome::Done) };
        Malformed::field(field, Refusal::try_from(refusal)).map(Outcome::Refused)
    }
}

impl From<CommandKey> for proto::CommandKey {
    fn from(key: CommandKey) -> Self {
        let purpose = match key.purpose {
            Purpose::Do(step) => command_key::Purpose::Take(Number::write(step)),
            Purpose::Undo(step, round) => {
                command_key::Purpose::Undo(proto::Undo { step: Number::write(step), round })
            }
            Purpose::Refund(refund) => command_key::Purpose::RefundId(Uuid::write(refund)),
        };
        Self { order_id: Uuid::write(key.order), purpose: Some(purpose) }
    }
}

impl TryFrom<proto::CommandKey> for CommandKey {
    type Error = Malformed;

    fn try_from(message: proto::CommandKey) -> Result<Self, Malformed> {
        let purpose = match Malformed::required("purpose", message.purpose)? {
            command_key::Purpose::Take(step) => Purpose::Do(Number::read("take", step)?),
            command_key::Purpose::Undo(proto::Undo { step, round }) => {
                Purpose::Undo(Number::read("step", step)?, round)
            }
            command_key::Purpose::RefundId(refund) => Purpose::Refund(Uuid::read("refund_id", refund)?),
        };
        Ok(Self { order: Uuid::read("order_id", message.order_id)?, purpose })
    }
}

impl From<StockAction> for stock_command::Action {
    fn from(action: StockAction) -> Self {
        match action {
            StockAction::Reserve { lines, until } => {
                let (lines, until_ms) = (Many::<Plain>::write(lines), UnixMillis::write(until));
                Self::Reserve(proto::Reserve { lines, until_ms })
            }
            StockAction::Commit => Self::Commit(proto::Commit {}),
            StockAction::Release => Self::Release(proto::Release {}),
        }
    }
}

impl TryFrom<stock_command::Action> for StockAction {
    type Error = Malformed;

    fn try_from(action: stock_command::Action) -> Result<Self, Malformed> {
        Ok(match action {
            stock_command::Action::Reserve(proto::Reserve { lines, until_ms }) => Self::Reserve {
                lines: Many::<Plain>::read("lines", lines)?,
                until: UnixMillis::read("until_ms", until_ms)?,
            },
            stock_command::Action::Commit(proto::Commit {}) => Self::Commit,
            stock_command::Action::Release(proto::Release {}) => Self::Release,
        })
    }
}

impl From<VoucherAction> for voucher_command::Action {
    fn from(action: VoucherAction) -> Self {
        match action {
            VoucherAction::Redeem { code, customer } => {
                Self::Redeem(proto::Redeem { code: code.into(), customer_id: Uuid::write(customer) })
            }
            VoucherAction::Restore => Self::Restore(proto::Restore {}),
        }
    }
}

impl TryFrom<voucher_command::Action> for VoucherAction {
    type Error = Malformed;

    fn try_from(action: voucher_command::Action) -> Result<Self, Malformed> {
        Ok(match action {
            voucher_command::Action::Redeem(proto::Redeem { code, customer_id }) => Self::Redeem {
                code: Malformed::field("code", VoucherCode::try_from(code))?,
                customer: Uuid::read("customer_id", customer_id)?,
            },
            voucher_command::Action::Restore(proto::Restore {}) => Self::Restore,
        })
    }
}

impl From<PaymentAction> for payment_command::Action {
    fn from(action: PaymentAction) -> Self {
        match action {
            PaymentAction::Authorise(token) => Self::Authorise(token.into()),
            PaymentAction::Capture => Self::Capture(proto::Capture {}),
            PaymentAction::Void => Self::Void(proto::Void {}),
            PaymentAction::Refund(refund) => Self::RefundId(Uuid::write(refund)),
        }
    }
}

impl TryFrom<payment_command::Action> for PaymentAction {
    type Error = Malformed;

    fn try_from(action: payment_command::Action) -> Result<Self, Malformed> {
        Ok(match action {
            payment_command::Action::Authorise(token) => {
                Self::Authorise(Malformed::field("authorise", PaymentToken::try_from(token))?)
            }
            payment_command::Action::Capture(proto::Capture {}) => Self::Capture,
            payment_command::Action::Void(proto::Void {}) => Self::Void,
            payment_command::Action::RefundId(refund) => Self::Refund(Uuid::read("refund_id", refund)?),
        })
    }
}

impl From<OrderNews> for order_event::News {
    fn from(news: OrderNews) -> Self {
        match news {
            OrderNews::Made(lines) => Self::Made(proto::Made { lines: Many::<Plain>::write(lines) }),
            OrderNews::Paid(lines) => Self::Paid(proto::Paid { lines: Many::<Plain>::write(lines) }),
            OrderNews::Shipped => Self::Shipped(proto::Shipped {}),
            OrderNews::Cancelled(reason) => Self::Cancelled(reason.into()),
            OrderNews::Refunded(refund, amount) => Self::Refunded(proto::Refunded {
                refund_id: Uuid::write(refund),
                amount: Some(amount.into()),
            }),
        }
    }
}

impl TryFrom<order_event::News> for OrderNews {
    type Error = Malformed;

    fn try_from(news: order_event::News) -> Result<Self, Malformed> {
        Ok(match news {
            order_event::News::Made(proto::Made { lines }) => {
                Self::Made(Many::<Plain>::read("lines", lines)?)
            }
            order_event::News::Paid(proto::Paid { lines }) => {
                Self::Paid(Many::<Plain>::read("lines", lines)?)
            }
            order_event::News::Shipped(proto::Shipped {}) => Self::Shipped,
            order_event::News::Cancelled(reason) => Self::Cancelled(reason.try_into()?),
            order_event::News::Refunded(proto::Refunded { refund_id, amount: refunded }) => {
                let refunded = Malformed::required("amount", refunded)?;
                Self::Refunded(Uuid::read("refund_id", refund_id)?, amount("amount", refunded)?)
            }
        })
    }
}
