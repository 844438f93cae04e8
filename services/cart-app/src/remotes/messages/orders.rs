//! Orders and their sagas.

use cart::{
    CheckedOut, Checkout, Doing, Order, OrderId, OrderLine, ProductIds, ProductSales, Purchase, Refund,
    RefundOrder, Refunding, RepairSaga, Replied, Saga, SagaQuery, SagaReply, SagaStanding, SagaState, Sagas,
    Sales, Status, StepProgress, Undoing,
};
use remote::{Codec as _, Malformed, Many, Optional, Required, UnixMillis, Uuid};

use super::{
    payments::{refund_fields, refund_state, required_amount},
    values::{Number, VersionNumber, amount, numbers},
};
use crate::remotes::proto::orders::v1 as proto;

remote::messages! { proto:
    Checkout as CheckoutRequest {
        key,
        cart as cart_id by Uuid,
        version by VersionNumber,
        expected_total by Required,
        token,
    }
    CheckedOut as CheckoutResponse { order as order_id by Uuid, status by Number, total by Required }
    OrderId as OrderRequest.id by Uuid;
    Order as OrderResponse.order by Required;
    OrderId as CancelRequest.id by Uuid;
    Order as CancelResponse.order by Required;
    OrderId as ShipRequest.id by Uuid;
    Order as ShipResponse.order by Required;
    RefundOrder as RefundRequest { order as order_id by Uuid, refund as refund_id by Uuid, amount by Required }
    Order as RefundResponse.order by Required;
    ProductIds as SalesRequest.ids by Required;
    Sales as SalesResponse { 0 as sales by Many }
    SagaQuery as SagasRequest { standing by Number, after as after_id by Optional<Uuid>, limit }
    Sagas as SagasResponse { 0 as purchases by Many }
    RepairSaga as RepairRequest { order as order_id by Uuid }
    Order as RepairResponse.order by Required;
    SagaReply as ReplyRequest.reply by Required;
    Replied as ReplyResponse {}

    Order as Order {
        id by Uuid,
        customer as customer_id by Uuid,
        cart as cart_id by Uuid,
        lines by Many,
        voucher by Optional,
        total by Required,
        status by Number,
        reason by Optional,
        refunds by Many,
        made_at as made_at_ms by UnixMillis,
        settled_at as settled_at_ms by Optional<UnixMillis>,
    }
    OrderLine as OrderLine {
        product as product_id by Uuid,
        quantity,
        price by Required,
        discount by Required,
        net by Required,
    }
    ProductSales as ProductSales { product as product_id by Uuid, orders as order_ids by Many<Uuid> }
    Purchase as Purchase { order by Required, token, saga by Required, refunding by Many }
    Refunding as Refunding { id as refund_id by Uuid, sent, due as due_ms by UnixMillis, is_parked }
    Saga as Saga { state by Number, steps by Many, sent, due as due_ms by UnixMillis }
    StepProgress as StepProgress { step by Number, doing by Number, undoing by Number, round }
}

numbers! {
    Status as proto::Status { Pending, Placed, Paid, Shipped, Cancelled }
    SagaStanding as proto::SagaStanding { Stuck, Parked, Running }
    SagaState as proto::SagaState { Forward, Backward, ParkedForward, ParkedBackward, Done, Compensated }
    Doing as proto::Doing { Waiting, Sent, Done, Refused }
    Undoing as proto::Undoing { Waiting, Sent, Done, Failed }
}

impl From<Refund> for proto::Refund {
    fn from(refund: Refund) -> Self {
        let (is_pending, refused) = refund_fields(refund.state);
        Self { id: Uuid::write(refund.id), amount: Some(refund.amount.into()), is_pending, refused }
    }
}

impl TryFrom<proto::Refund> for Refund {
    type Error = Malformed;

    fn try_from(message: proto::Refund) -> Result<Self, Malformed> {
        Ok(Self {
            id: Uuid::read("id", message.id)?,
            amount: amount("amount", required_amount(message.amount)?)?,
            state: refund_state(message.is_pending, message.refused)?,
        })
    }
}
