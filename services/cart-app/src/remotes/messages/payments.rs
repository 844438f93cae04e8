//! Payments.

use cart::{
    ChargeId, OrderId, Payment, PaymentCommand, PaymentRefund, PaymentState, RefundState, Refusal, SagaReply,
    Webhook,
};
use remote::{Codec as _, Malformed, Many, Plain, Required, Uuid};

use super::values::amount;
use crate::remotes::proto::{
    payments::v1 as proto,
    v1::{Money, Refusal as Refused},
};

remote::messages! { proto:
    PaymentCommand as PerformRequest.command by Required;
    SagaReply as PerformResponse.reply by Required;
    OrderId as PaymentRequest.order_id by Uuid;
    Payment as PaymentResponse.payment by Required;
    Webhook as NotifyRequest { order as order_id by Uuid }
    Payment as NotifyResponse.payment by Required;
}

impl From<Payment> for proto::Payment {
    fn from(payment: Payment) -> Self {
        let (state, refused) = match payment.state {
            PaymentState::New => (proto::PaymentState::New, None),
            PaymentState::Authorising => (proto::PaymentState::Authorising, None),
            PaymentState::Authorised => (proto::PaymentState::Authorised, None),
            PaymentState::Capturing => (proto::PaymentState::Capturing, None),
            PaymentState::Captured => (proto::PaymentState::Captured, None),
            PaymentState::Refused(reason) => (proto::PaymentState::Refused, Some(reason.into())),
            PaymentState::Voided => (proto::PaymentState::Voided, None),
        };
        Self {
            order_id: Uuid::write(payment.order),
            amount: Some(payment.amount.into()),
            state: state.into(),
            refused,
            charge: payment.charge.map(String::from),
            is_closed: payment.is_closed,
            refunds: Many::<Plain>::write(payment.refunds),
        }
    }
}

impl TryFrom<proto::Payment> for Payment {
    type Error = Malformed;

    fn try_from(message: proto::Payment) -> Result<Self, Malformed> {
        let state = match message.state() {
            proto::PaymentState::New => PaymentState::New,
            proto::PaymentState::Authorising => PaymentState::Authorising,
            proto::PaymentState::Authorised => PaymentState::Authorised,
            proto::PaymentState::Capturing => PaymentState::Capturing,
            proto::PaymentState::Captured => PaymentState::Captured,
            proto::PaymentState::Refused => {
                PaymentState::Refused(Malformed::required("refused", message.refused)?.try_into()?)
            }
            proto::PaymentState::Voided => PaymentState::Voided,
            proto::PaymentState::Unspecified => return Err(Malformed::new("state", "it is required")),
        };
        let charge = message.charge.map(ChargeId::try_from).transpose();
        Ok(Self {
            order: Uuid::read("order_id", message.order_id)?,
            amount: amount("amount", Malformed::required("amount", message.amount)?)?,
            state,
            charge: Malformed::field("charge", charge)?,
            is_closed: message.is_closed,
            refunds: Many::<Plain>::read("refunds", message.refunds)?,
        })
    }
}

impl From<PaymentRefund> for proto::PaymentRefund {
    fn from(refund: PaymentRefund) -> Self {
        let (is_pending, refused) = refund_fields(refund.state);
        Self { id: Uuid::write(refund.id), amount: Some(refund.amount.into()), is_pending, refused }
    }
}

impl TryFrom<proto::PaymentRefund> for PaymentRefund {
    type Error = Malformed;

    fn try_from(message: proto::PaymentRefund) -> Result<Self, Malformed> {
        Ok(Self {
            id: Uuid::read("id", message.id)?,
            amount: amount("amount", required_amount(message.amount)?)?,
            state: refund_state(message.is_pending, message.refused)?,
        })
    }
}

pub(super) fn required_amount(amount: Option<Money>) -> Result<Money, Malformed> {
    Malformed::required("amount", amount)
}

/// The state of a refund as two fields of a message.
pub(super) fn refund_fields(state: RefundState) -> (bool, Option<Refused>) {
    match state {
        RefundState::Pending => (true, None),
        RefundState::Done => (false, None),
        RefundState::Refused(reason) => (false, Some(reason.into())),
    }
}

pub(super) fn refund_state(is_pending: bool, refused: Option<Refused>) -> Result<RefundState, Malformed> {
    match (is_pending, refused) {
        (_, Some(refused)) => Refusal::try_from(refused).map(RefundState::Refused),
        (true, None) => Ok(RefundState::Pending),
        (false, None) => Ok(RefundState::Done),
    }
}
