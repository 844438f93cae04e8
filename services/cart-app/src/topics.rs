//! The topics of the cart. The key of every event is its order's id, so that what is about one order keeps its order.

use backing::{Event, Topic};
use cart::{OrderEvent, PaymentCommand, SagaReply, StockCommand, VoucherCommand};

use crate::remotes::proto::v1 as proto;

/// The topic `stock-commands`: what sagas want of the stock.
#[derive(Clone, Copy, Debug)]
pub struct StockCommands;

impl Topic for StockCommands {
    const NAME: &'static str = "stock-commands";
    type Payload = StockCommand;
    type Message = proto::StockCommand;
}

/// The topic `voucher-commands`: what sagas want of the vouchers.
#[derive(Clone, Copy, Debug)]
pub struct VoucherCommands;

impl Topic for VoucherCommands {
    const NAME: &'static str = "voucher-commands";
    type Payload = VoucherCommand;
    type Message = proto::VoucherCommand;
}

/// The topic `payment-commands`: what sagas want of payments.
#[derive(Clone, Copy, Debug)]
pub struct PaymentCommands;

impl Topic for PaymentCommands {
    const NAME: &'static str = "payment-commands";
    type Payload = PaymentCommand;
    type Message = proto::PaymentCommand;
}

/// The topic `replies`: what the participants of sagas reply.
#[derive(Clone, Copy, Debug)]
pub struct Replies;

impl Topic for Replies {
    const NAME: &'static str = "replies";
    type Payload = SagaReply;
    type Message = proto::SagaReply;
}

/// The topic `orders`: what happens to orders.
#[derive(Clone, Copy, Debug)]
pub struct OrderEvents;

impl Topic for OrderEvents {
    const NAME: &'static str = "orders";
    type Payload = OrderEvent;
    type Message = proto::OrderEvent;
}

/// A command to the stock as an event.
pub fn stock_command(command: StockCommand) -> Event<StockCommand> {
    Event::new(command.key.id().0, command.key.order, command)
}

/// A command to the vouchers as an event.
pub fn voucher_command(command: VoucherCommand) -> Event<VoucherCommand> {
    Event::new(command.key.id().0, command.key.order, command)
}

/// A command to payments as an event.
pub fn payment_command(command: PaymentCommand) -> Event<PaymentCommand> {
    Event::new(command.key.id().0, command.key.order, command)
}

/// A participant's reply as an event.
pub fn reply(reply: SagaReply) -> Event<SagaReply> {
    Event::new(reply.id().0, reply.command.order, reply)
}

/// An event of an order.
pub fn order_event(event: OrderEvent) -> Event<OrderEvent> {
    Event::new(event.id.0, event.order, event)
}
