//! A whole shop, whose messages a test delivers.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use async_trait::async_trait;
use cart::{
    ApplyVoucher, Cart, CartId, CartService, Carts, Catalog, CatalogService, ChangeLine, CheckedOut,
    Checkout, CheckoutParts, CheckoutStrategy, ClearCart, Command, CommandSender, CustomerId, Delivery,
    DeliveryId, Discount, Idempotency, Level, NoticeService, Notices, OpenCart, Order, OrderError, OrderId,
    OrderNews, OrderService, Orders, PaymentService, PaymentToken, Payments, Product, ProductId, ProductIds,
    Quantity, REMEMBERED_FOR, RequestKey, SagaReply, Status, Stock, StockService, Voucher, VoucherService,
    Vouchers,
    ports::{Claim, Claimed},
};
use contract::{Clock, Timestamp, Unavailable};

use super::ground;
use crate::{
    provider::{Fault, Provider},
    stores::{Mail, Message, Stores},
    support::{START, at_once, code, euro, pieces},
};

/// A clock that a test sets.
pub(crate) struct SetClock(AtomicU64);

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// The values of the axis `checkout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Transaction,
    Saga,
    DualWrite,
    ChargeFirst,
}

/// The ways that keep the promises.
pub(crate) const SOUND: [Kind; 2] = [Kind::Transaction, Kind::Saga];

pub(crate) struct Shop {
    pub(crate) stores: Stores,
    pub(crate) provider: Arc<Provider>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) catalog: Arc<dyn Catalog>,
    pub(crate) carts: Arc<dyn Carts>,
    pub(crate) stock: Arc<StockService>,
    pub(crate) vouchers: Arc<VoucherService>,
    pub(crate) payments: Arc<PaymentService>,
    pub(crate) orders: OrderService,
    pub(crate) notices: NoticeService,
    /// The id of the next order.
    next: Arc<AtomicU64>,
    /// The time that a request has, in milliseconds.
    time_left: Arc<AtomicU64>,
    issued: Mutex<Vec<Voucher>>,
}

/// The id of a shop's first order.
const FIRST_ORDER: u64 = 100;

/// Sends commands past the outbox, into the same queue.
struct Direct(Arc<dyn Mail>);

#[async_trait]
impl CommandSender for Direct {
    async fn send(&self, command: &Command) -> Result<(), Unavailable> {
        self.0.add(Message::Command(command.clone()));
        Ok(())
    }
}

pub(crate) const CUSTOMER: CustomerId = CustomerId(3);
pub(crate) const TEA: ProductId = ProductId(1);
pub(crate) const POT: ProductId = ProductId(2);
pub(crate) const CART: CartId = CartId(5);

impl Shop {
    /// A shop with ten teas at 500 and two pots at 2 000, and an open cart.
    pub(crate) fn new(kind: Kind) -> Self {
        Self::with(kind, Idempotency::On)
    }

    pub(crate) fn with(kind: Kind, idempotency: Idempotency) -> Self {
        let stores = ground::stores();
        let clock = Arc::new(SetClock(AtomicU64::new(START.millis())));
        let provider = Arc::new(Provider::default());
        let catalog: Arc<dyn Catalog> = Arc::new(CatalogService::new(stores.catalog.clone()));
        let vouchers = Arc::new(VoucherService::new(stores.vouchers.clone(), clock.clone()));
        let carts: Arc<dyn Carts> =
            Arc::new(CartService::new(stores.carts.clone(), catalog.clone(), vouchers.clone()));
        let stock = Arc::new(StockService::new(stores.stock.clone(), clock.clone()));
        let payments =
            Arc::new(PaymentService::new(stores.payments.clone(), provider.clone(), clock.clone()));
        let parts = CheckoutParts {
            carts: carts.clone(),
            catalog: catalog.clone(),
            vouchers: vouchers.clone(),
            stock: stock.clone(),
            payments: payments.clone(),
            store: stores.orders.clone(),
            clock: clock.clone(),
        };
        let strategy = match kind {
            Kind::Transaction => CheckoutStrategy::Transaction(stores.shop.clone()),
            Kind::Saga => CheckoutStrategy::Saga,
            Kind::DualWrite => CheckoutStrategy::DualWrite(Arc::new(Direct(stores.mail.clone()))),
            Kind::ChargeFirst => CheckoutStrategy::ChargeFirst,
        };
        let next = Arc::new(AtomicU64::new(FIRST_ORDER));
        let ids = next.clone();
        let new_id = move || OrderId(ids.fetch_add(1, Ordering::Relaxed).into());
        let time_left = Arc::new(AtomicU64::new(30_000));
        let left = time_left.clone();
        let left = move || Some(Duration::from_millis(left.load(Ordering::Relaxed)));
        let orders = OrderService::new(parts, strategy, idempotency, new_id, left);
        let issued = Mutex::default();
        let notices = NoticeService::new(stores.notices.clone());
        let shop = Self {
            stores,
            provider,
            clock,
            catalog,
            carts,
            stock,
            vouchers,
            payments,
            orders,
            notices,
            next,
            time_left,
            issued,
        };
        shop.offer(TEA, "Green tea", 500);
        shop.offer(POT, "Tea pot", 2_000);
        shop.receive(1, TEA, 10);
        shop.receive(2, POT, 2);
        at_once(shop.carts.open(OpenCart { id: CART, customer: CUSTOMER })).unwrap();
        shop
    }

    pub(crate) fn offer(&self, id: ProductId, name: &str, minor: i64) {
        at_once(self.catalog.offer(Product { id, name: name.to_owned(), price: euro(minor) })).unwrap();
    }

    pub(crate) fn receive(&self, id: u128, product: ProductId, quantity: u64) {
        at_once(self.stock.receive(Delivery { id: DeliveryId(id), product, quantity })).unwrap();
    }

    pub(crate) fn voucher(&self, text: &str, discount: Discount, uses: u32, uses_by_customer: u32) {
        let voucher = Voucher { code: code(text), discount, uses, uses_by_customer };
        let issued = at_once(self.vouchers.issue(voucher)).unwrap();
        self.issued.lock().unwrap().push(issued);
    }

    pub(crate) fn cart(&self) -> Cart {
        at_once(self.carts.cart(CART)).unwrap()
    }

    /// Puts so many into the cart, at their current price.
    pub(crate) fn put(&self, product: ProductId, number: u32) -> Cart {
        let offered = at_once(self.catalog.products(ProductIds(vec![product]))).unwrap();
        let seen_price = offered.find(product).unwrap().price;
        let quantity: Option<Quantity> = (number > 0).then(|| pieces(number));
        let expected = self.cart().version;
        at_once(self.carts.change(ChangeLine { cart: CART, expected, product, quantity, seen_price }))
            .unwrap()
    }

    pub(crate) fn apply(&self, text: &str) {
        let expected = self.cart().version;
        at_once(self.carts.apply(ApplyVoucher { cart: CART, expected, code: Some(code(text)) })).unwrap();
    }

    /// A checkout of the cart as it is.
    pub(crate) fn request(&self, key: &str, total: i64) -> Checkout {
        Checkout {
            key: RequestKey::parse(key).unwrap(),
            cart: CART,
            version: self.cart().version,
            expected_total: euro(total),
            token: PaymentToken::parse("card").unwrap(),
        }
    }

    pub(crate) fn checkout(&self, checkout: &Checkout) -> Result<CheckedOut, OrderError> {
        at_once(self.orders.checkout(checkout.clone()))
    }

    /// A checkout whose client gives up after so long, while the provider is silent: it ends there.
    pub(crate) fn give_up(&self, checkout: &Checkout, after_ms: u64) {
        let before = self.time_left.swap(after_ms, Ordering::Relaxed);
        self.provider.plan(&[Fault::Silence]);
        let mut running = pin!(self.orders.checkout(checkout.clone()));
        at_once(poll_fn(|context| {
            assert!(running.as_mut().poll(context).is_pending(), "the provider is silent");
            if self.provider.is_silent() {
                return Poll::Ready(());
            }
            Poll::Pending
        }));
        self.provider.speaks();
        self.time_left.store(before, Ordering::Relaxed);
        self.pass(after_ms);
    }

    pub(crate) fn order(&self, id: OrderId) -> Order {
        at_once(self.orders.order(id)).unwrap()
    }

    pub(crate) fn level(&self, product: ProductId) -> Level {
        at_once(self.stock.levels(ProductIds(vec![product]))).unwrap().0[0]
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn pass(&self, millis: u64) {
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// Delivers one message; returns whether there was one.
    fn deliver(&self) -> bool {
        let Some(message) = self.stores.mail.take() else { return false };
        match message {
            Message::Command(command) => {
                // A command whose outcome is unknown is delivered again.
                if self.perform(command.clone()).is_err() {
                    self.stores.mail.add(Message::Command(command));
                }
            }
            Message::Reply(reply) => {
                at_once(self.orders.reply(reply)).unwrap();
            }
            Message::Event(event) => {
                at_once(self.notices.tell(event.clone())).unwrap();
                if let OrderNews::Paid(lines) = event.news {
                    let clear = ClearCart { cart: event.cart, order: event.order, lines };
                    at_once(self.carts.clear(clear)).unwrap();
                }
            }
        }
        true
    }

    fn perform(&self, command: Command) -> Result<SagaReply, ()> {
        match command {
            Command::Stock(command) => at_once(self.stock.perform(command)).map_err(drop),
            Command::Voucher(command) => at_once(self.vouchers.perform(command)).map_err(drop),
            Command::Payment(command) => at_once(self.payments.perform(command)).map_err(drop),
        }
    }

    /// Delivers at most so many messages.
    pub(crate) fn deliver_some(&self, most: usize) {
        let delivered = (0..most).take_while(|_| self.deliver()).count();
        assert!(delivered <= most);
    }

    /// Delivers all messages, and those that come of them.
    pub(crate) fn drain(&self) {
        let delivered = (0..10_000).take_while(|_| self.deliver()).count();
        assert!(delivered < 10_000, "the messages do not end");
    }

    /// Loses some of the messages on their way.
    pub(crate) fn lose(&self, is_lost: impl Fn(&Message) -> bool) {
        let all: Vec<_> = std::iter::from_fn(|| self.stores.mail.take()).collect();
        all.into_iter().filter(|message| !is_lost(message)).for_each(|message| self.stores.mail.add(message));
    }

    /// Another process claims the key of a request.
    pub(crate) fn claim(&self, request: &Checkout) {
        let now = self.now();
        let claim = Claim {
            key: request.key.clone(),
            fingerprint: request.fingerprint(),
            order: OrderId(1),
            total: request.expected_total,
            now,
            until: now.plus(Duration::from_secs(30)),
            forgotten_at: now.plus(REMEMBERED_FOR),
        };
        assert!(matches!(at_once(self.stores.orders.claim(&claim)), Ok(Claimed::Taken(_))));
    }

    /// All orders that are stored.
    pub(crate) fn orders_made(&self) -> Vec<Order> {
        let ids = FIRST_ORDER..self.next.load(Ordering::Relaxed);
        let found = ids.map(|id| at_once(self.stores.orders.find(OrderId(id.into()))).unwrap());
        found.flatten().map(|purchase| purchase.order).collect()
    }

    /// What must be true when everything has come to rest: goods and money are conserved, and an order is there exactly if
    /// its money was taken and not given back.
    #[track_caller]
    pub(crate) fn check_ledger(&self) {
        let levels = [TEA, POT].map(|product| self.level(product));
        for level in levels {
            assert_eq!(level.sold + level.reserved + level.left, level.stocked, "{level:?}");
        }
        let orders = self.orders_made();
        let is_kept = |order: &&Order| matches!(order.status, Status::Paid | Status::Shipped);
        let owed = |order: &Order| order.total.minor - order.refunded().unwrap().minor;
        assert_eq!(self.provider.taken(), orders.iter().filter(is_kept).map(owed).sum::<i64>());
        assert_eq!(self.provider.held(), 0);
        let pieces =
            |order: &Order| order.ordered().iter().map(|line| u64::from(line.quantity.get())).sum::<u64>();
        let sold: u64 = levels.iter().map(|level| level.sold).sum();
        assert_eq!(sold, orders.iter().filter(is_kept).map(pieces).sum::<u64>());
        for Voucher { code, uses, .. } in self.issued.lock().unwrap().iter() {
            let is_used = |order: &&Order| order.voucher.as_ref() == Some(code);
            let used = orders.iter().filter(is_kept).filter(is_used).count();
            assert!(used <= *uses as usize, "{code}: {used} uses");
        }
    }
}
