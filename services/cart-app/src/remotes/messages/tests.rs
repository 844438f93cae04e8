//! Every type comes back from its message as it was, and what a message must have is required.

use std::time::Duration;

use cart::{
    CartId, CartLine, ChargeId, CheckedOut, Checkout, CommandKey, Currency, Cursor, CustomerId, Delivery,
    DeliveryId, Discount, Doing, EventId, Level, Levels, Money, Notice, NoticeList, Order, OrderEvent,
    OrderId, OrderLine, OrderNews, OrderedLine, Outcome, Payment, PaymentAction, PaymentCommand,
    PaymentRefund, PaymentState, PaymentToken, PercentOff, Product, ProductId, ProductIds, ProductPage,
    ProductQuery, ProductSales, Purchase, Purpose, Quantity, Refund, RefundId, RefundOrder, RefundState,
    Refunding, Refusal, RequestKey, Saga, SagaQuery, SagaReply, SagaStanding, SagaState, Sagas, Sales,
    Status, Step, StepProgress, StockAction, StockCommand, Undoing, Version, Voucher, VoucherAction,
    VoucherCode, VoucherCommand, VoucherStanding,
};
use contract::Timestamp;
use remote::Malformed;

use crate::remotes::proto::{self, v1};

const AT: Timestamp = Timestamp::from_millis(1_700_000_000_123);
const ORDER: OrderId = OrderId(u128::MAX - 7);

/// Checks that a value comes back from its message.
#[track_caller]
fn crosses<M, T>(value: &T)
where
    T: Clone + PartialEq + std::fmt::Debug + TryFrom<M, Error = Malformed>,
    M: From<T>,
{
    assert_eq!(T::try_from(M::from(value.clone())).as_ref(), Ok(value));
}

fn euro(minor: i64) -> Money {
    Money::new(minor, Currency::parse("EUR").unwrap())
}

fn code() -> VoucherCode {
    VoucherCode::parse("SPRING-10").unwrap()
}

fn token() -> PaymentToken {
    PaymentToken::parse("card-1").unwrap()
}

fn ordered() -> Vec<OrderedLine> {
    vec![OrderedLine { product: ProductId(1), quantity: Quantity::new(999).unwrap() }]
}

const REFUSALS: [Refusal; 12] = [
    Refusal::OutOfStock { product: ProductId(9), left: u64::MAX },
    Refusal::NotReserved,
    Refusal::VoucherUnknown,
    Refusal::VoucherUsedUp,
    Refusal::VoucherUsedByCustomer,
    Refusal::PaymentDeclined,
    Refusal::InsufficientFunds,
    Refusal::AuthorisationExpired,
    Refusal::NothingPaid,
    Refusal::ExceedsPayment,
    Refusal::Cancelled,
    Refusal::TimedOut,
];

fn refund_states() -> impl Iterator<Item = RefundState> {
    let refused = REFUSALS.into_iter().map(RefundState::Refused);
    [RefundState::Pending, RefundState::Done].into_iter().chain(refused)
}

fn keys() -> Vec<CommandKey> {
    let steps = Step::ALL.into_iter().flat_map(|step| [Purpose::Do(step), Purpose::Undo(step, u32::MAX)]);
    let purposes = steps.chain([Purpose::Refund(RefundId(3))]);
    purposes.map(|purpose| CommandKey { order: ORDER, purpose }).collect()
}

fn order(status: Status) -> Order {
    let line = OrderLine {
        product: ProductId(1),
        quantity: Quantity::new(1).unwrap(),
        price: euro(1_999),
        discount: euro(0),
        net: euro(1_999),
    };
    let refund = |state| Refund { id: RefundId(4), amount: euro(1), state };
    Order {
        id: ORDER,
        customer: CustomerId(2),
        cart: CartId(3),
        lines: vec![line],
        voucher: Some(code()),
        total: euro(i64::MAX),
        status,
        reason: Some(Refusal::TimedOut),
        refunds: refund_states().map(refund).collect(),
        made_at: AT,
        settled_at: Some(AT.plus(Duration::from_millis(20))),
    }
}

#[test]
fn commands_and_replies_come_back_as_they_were() {
    for key in keys() {
        crosses::<v1::CommandKey, _>(&key);
        for action in
            [StockAction::Reserve { lines: ordered(), until: AT }, StockAction::Commit, StockAction::Release]
        {
            crosses::<v1::StockCommand, _>(&StockCommand { key, action });
        }
        for action in
            [VoucherAction::Redeem { code: code(), customer: CustomerId(7) }, VoucherAction::Restore]
        {
            crosses::<v1::VoucherCommand, _>(&VoucherCommand { key, action });
        }
        for action in [
            PaymentAction::Authorise(token()),
            PaymentAction::Capture,
            PaymentAction::Void,
            PaymentAction::Refund(RefundId(8)),
        ] {
            crosses::<v1::PaymentCommand, _>(&PaymentCommand { key, amount: euro(-1), action });
        }
        crosses::<v1::SagaReply, _>(&SagaReply { command: key, outcome: Outcome::Done });
        for reason in REFUSALS {
            crosses::<v1::SagaReply, _>(&SagaReply { command: key, outcome: Outcome::Refused(reason) });
        }
    }
}

#[test]
fn events_of_orders_come_back_as_they_were() {
    for news in [
        OrderNews::Made(ordered()),
        OrderNews::Paid(ordered()),
        OrderNews::Shipped,
        OrderNews::Cancelled(Refusal::OutOfStock { product: ProductId(1), left: 0 }),
        OrderNews::Refunded(RefundId(1), euro(5)),
    ] {
        let (customer, cart, total) = (CustomerId(2), CartId(3), euro(5));
        let event = OrderEvent { id: EventId(1), order: ORDER, customer, cart, total, news, at: AT };
        crosses::<v1::OrderEvent, _>(&event);
    }
    let notice =
        Notice { event: EventId(1), order: ORDER, customer: CustomerId(2), text: "paid".to_owned(), at: AT };
    crosses::<proto::notices::v1::ToldResponse, _>(&NoticeList(vec![notice]));
}

#[test]
fn orders_and_their_sagas_come_back_as_they_were() {
    use proto::orders::v1 as orders;
    for status in [Status::Pending, Status::Placed, Status::Paid, Status::Shipped, Status::Cancelled] {
        crosses::<orders::Order, _>(&order(status));
        crosses::<orders::CheckoutResponse, _>(&CheckedOut { order: ORDER, status, total: euro(1) });
    }
    let plain = Order { voucher: None, reason: None, lines: Vec::new(), ..order(Status::Paid) };
    crosses::<orders::OrderResponse, _>(&plain);
    let step = |(doing, undoing)| StepProgress { step: Step::Capture, doing, undoing, round: 2 };
    let steps = [
        (Doing::Waiting, Undoing::Waiting),
        (Doing::Sent, Undoing::Sent),
        (Doing::Done, Undoing::Done),
        (Doing::Refused, Undoing::Failed),
    ];
    for state in [
        SagaState::Forward,
        SagaState::Backward,
        SagaState::ParkedForward,
        SagaState::ParkedBackward,
        SagaState::Done,
        SagaState::Compensated,
    ] {
        let saga = Saga { state, steps: steps.map(step).to_vec(), sent: 6, due: AT };
        let refund = |is_parked| Refunding { id: RefundId(4), sent: 2, due: AT, is_parked };
        let refunding = [true, false].map(refund).to_vec();
        let purchase = Purchase { order: plain.clone(), token: token(), saga, refunding };
        crosses::<orders::SagasResponse, _>(&Sagas(vec![purchase]));
    }
    for standing in [SagaStanding::Stuck, SagaStanding::Parked, SagaStanding::Running] {
        for after in [None, Some(ORDER)] {
            crosses::<orders::SagasRequest, _>(&SagaQuery { standing, after, limit: 100 });
        }
    }
    let checkout = Checkout {
        key: RequestKey::parse("key").unwrap(),
        cart: CartId(1),
        version: Version(u64::MAX),
        expected_total: euro(1),
        token: token(),
    };
    crosses::<orders::CheckoutRequest, _>(&checkout);
    let refund = RefundOrder { order: ORDER, refund: RefundId(1), amount: euro(1) };
    crosses::<orders::RefundRequest, _>(&refund);
    let sales = ProductSales { product: ProductId(1), orders: vec![ORDER, OrderId(0)] };
    crosses::<orders::SalesResponse, _>(&Sales(vec![sales]));
}

#[test]
fn payments_come_back_as_they_were() {
    use proto::payments::v1 as payments;
    let states = [
        PaymentState::New,
        PaymentState::Authorising,
        PaymentState::Authorised,
        PaymentState::Capturing,
        PaymentState::Captured,
        PaymentState::Voided,
    ];
    let refused = REFUSALS.into_iter().map(PaymentState::Refused);
    let refund = |state| PaymentRefund { id: RefundId(4), amount: euro(1), state };
    for state in states.into_iter().chain(refused) {
        let payment = Payment {
            order: ORDER,
            amount: euro(5),
            state,
            charge: Some(ChargeId::parse("ch_1").unwrap()),
            is_closed: true,
            refunds: refund_states().map(refund).collect(),
        };
        crosses::<payments::PaymentResponse, _>(&payment);
        crosses::<payments::NotifyResponse, _>(&Payment { charge: None, is_closed: false, ..payment });
    }
}

#[test]
fn what_a_shop_shows_comes_back_as_it_was() {
    use proto::{carts::v1 as carts, catalog::v1 as catalog, stock::v1 as stock, vouchers::v1 as vouchers};
    let product = Product { id: ProductId(1), name: "Tea \u{e4}".to_owned(), price: euro(0) };
    let cursor = Cursor { name: product.name.clone(), id: product.id };
    for next in [None, Some(cursor)] {
        crosses::<catalog::ListRequest, _>(&ProductQuery {
            search: "t".to_owned(),
            after: next.clone(),
            limit: 1,
        });
        crosses::<catalog::ListResponse, _>(&ProductPage { products: vec![product.clone()], next });
    }
    crosses::<catalog::ProductsRequest, _>(&ProductIds(vec![ProductId(1), ProductId(u128::MAX)]));
    let line = CartLine { product: ProductId(1), quantity: Quantity::new(7).unwrap(), seen_price: euro(5) };
    let cart = cart::Cart {
        id: CartId(1),
        customer: CustomerId(2),
        version: Version(3),
        lines: vec![line],
        voucher: Some(code()),
        ordered: vec![ORDER],
    };
    crosses::<carts::CartResponse, _>(&cart);
    crosses::<stock::ReceiveRequest, _>(&Delivery { id: DeliveryId(1), product: ProductId(2), quantity: 3 });
    let level = Level { product: ProductId(1), stocked: 10, reserved: 1, sold: 2, left: 7 };
    crosses::<stock::LevelsResponse, _>(&Levels(vec![level]));
    for discount in [Discount::Percent(PercentOff::new(10_000).unwrap()), Discount::Amount(euro(5))] {
        let voucher = Voucher { code: code(), discount, uses: 1, uses_by_customer: u32::MAX };
        crosses::<vouchers::VoucherResponse, _>(&VoucherStanding { voucher, used: 1 });
    }
}

#[test]
fn a_message_without_what_it_must_have_is_refused_by_name() {
    let refused =
        |message: v1::StockCommand| StockCommand::try_from(message).expect_err("no command").to_string();
    let key = CommandKey { order: ORDER, purpose: Purpose::Do(Step::Commit) };
    let sound = v1::StockCommand::from(StockCommand { key, action: StockAction::Commit });
    assert_eq!(refused(v1::StockCommand { key: None, ..sound.clone() }), "`key`: it is required");
    assert_eq!(refused(v1::StockCommand { action: None, ..sound.clone() }), "`action`: it is required");
    let key =
        v1::CommandKey { purpose: Some(v1::command_key::Purpose::Take(0)), ..sound.key.clone().unwrap() };
    assert_eq!(refused(v1::StockCommand { key: Some(key), ..sound }), "`key`: `take`: it is required");
    let refusal = v1::Refusal { reason: v1::RefusalReason::OutOfStock.into(), shortage: None };
    assert_eq!(Refusal::try_from(refusal).expect_err("none").to_string(), "`shortage`: it is required");
    let money = v1::Money { minor: 1, currency: "euro".to_owned() };
    assert!(Money::try_from(money).expect_err("none").to_string().starts_with("`currency`: "));
}
