//! The cart's wiring: the architecture, top to bottom.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use backing::{Database, Topic, TopicPublisher};
use cart::{
    CartService, CartStore, Carts, Catalog, CatalogService, CatalogStore, CheckoutParts, CheckoutStrategy,
    NoticeService, NoticeStore, Notices, OrderId, OrderService, OrderStore, Orders, PaymentService,
    PaymentStore, Payments, ShopTransaction, Stock, StockService, StockStore, VoucherService, VoucherStore,
    Vouchers,
};
use contract::SystemClock;
use design::axes::Ownership;
use runtime::{Backings, Host};
use uuid::Uuid;

use crate::{
    adapters::{
        GoodsMetrics, HttpProvider, PostgresCartStore, PostgresCatalogStore, PostgresNoticeStore,
        PostgresOrderStore, PostgresPaymentStore, PostgresShop, PostgresStockStore, PostgresVoucherStore,
        SqliteCartStore, SqliteCatalogStore, SqliteNoticeStore, SqliteOrderStore, SqlitePaymentStore,
        SqliteShop, SqliteStockStore, SqliteVoucherStore,
    },
    axes::{Checkout, Idempotency, Outbox},
    consumers::{
        ByOrder, CartConsumer, NoticeConsumer, PaymentConsumer, PublishedCommands, ReplyConsumer,
        StockConsumer, VoucherConsumer,
    },
    edge::{self, ProviderParts, WebhookSecret},
    postbox::{OrderBoxes, OrderPost, Postbox, ReplyPost},
    remotes::{carts, catalog, notices, orders, payments, stock, vouchers},
    timers,
    topics::{OrderEvents, PaymentCommands, Replies, StockCommands, VoucherCommands},
};

/// Carts use the catalogue and the vouchers. Orders use all of them, and lead stock, vouchers and payments through a
/// checkout: commands go to them by topics, and replies come back by another. What happens to orders goes to the notices and
/// to the carts.
pub(crate) async fn wire(host: &mut Host) -> Result<()> {
    let mail = Mail::new(host)?;
    let goods = GoodsMetrics::register(&mut host.backings().registry);
    let mut replies = ReplyBoxes::default();
    let catalog = host.place(catalog::CONTRACT, catalog_service).await?;
    let vouchers =
        host.place(vouchers::CONTRACT, async |b| voucher_service(b, &mut replies, &mail).await).await?;
    let offered = (Arc::clone(&catalog), Arc::clone(&vouchers));
    let carts = host.place(carts::CONTRACT, async |b| cart_service(b, offered).await).await?;
    let stock =
        host.place(stock::CONTRACT, async |b| stock_service(b, &mut replies, &mail, &goods).await).await?;
    let payments =
        host.place(payments::CONTRACT, async |b| payment_service(b, &mut replies, &mail).await).await?;
    let used = Used {
        catalog: Arc::clone(&catalog),
        carts: Arc::clone(&carts),
        stock: Arc::clone(&stock),
        vouchers: Arc::clone(&vouchers),
        payments: Arc::clone(&payments),
    };
    let orders = host.place(orders::CONTRACT, async |b| order_service(b, used, &mail, &goods).await).await?;
    let notices = host.place(notices::CONTRACT, notice_service).await?;
    host.subscribe::<StockCommands>("stock", by_order(StockConsumer(Arc::clone(&stock))))?;
    host.subscribe::<VoucherCommands>("vouchers", by_order(VoucherConsumer(Arc::clone(&vouchers))))?;
    host.subscribe::<PaymentCommands>("payments", by_order(PaymentConsumer(Arc::clone(&payments))))?;
    host.subscribe::<Replies>("orders", by_order(ReplyConsumer(Arc::clone(&orders))))?;
    host.subscribe::<OrderEvents>("notices", by_order(NoticeConsumer(Arc::clone(&notices))))?;
    host.subscribe::<OrderEvents>("carts", by_order(CartConsumer(Arc::clone(&carts))))?;
    let priorities = edge::PRIORITIES.into_iter().chain(edge::FURTHER_PRIORITIES);
    let own: Vec<_> = priorities.filter(|(_, route, _)| host.serves(route)).collect();
    host.edge_priorities(own);
    if host.has_edge() {
        let hears = host.serves(edge::WEBHOOKS);
        let provider = hears.then(|| provider_of_edge(host, Arc::clone(&payments))).transpose()?;
        let parts = edge::Parts { catalog, carts, stock, vouchers, payments, orders, notices };
        let routes = edge::router(parts, provider, host.choice(), |route| host.serves(route));
        host.edge(|_| routes);
    }
    Ok(())
}

fn by_order<C>(consumer: C) -> Arc<ByOrder<C>> {
    Arc::new(ByOrder(consumer))
}

/// The publishers of the topics.
struct Mail {
    stock: TopicPublisher<StockCommands>,
    vouchers: TopicPublisher<VoucherCommands>,
    payments: TopicPublisher<PaymentCommands>,
    events: TopicPublisher<OrderEvents>,
    replies: TopicPublisher<Replies>,
}

impl Mail {
    fn new(host: &mut Host) -> Result<Self> {
        Ok(Self {
            stock: host.publisher("orders")?,
            vouchers: host.publisher("orders")?,
            payments: host.publisher("orders")?,
            events: host.publisher("orders")?,
            // The others that publish to it do so by the same publisher.
            replies: host.publisher("stock")?,
        })
    }

    /// Where the messages of `orders` go.
    async fn order_post(&self, b: &mut Backings) -> Result<OrderPost> {
        Ok(OrderPost::new(OrderBoxes {
            stock: postbox(b, "orders", &self.stock).await?,
            vouchers: postbox(b, "orders", &self.vouchers).await?,
            payments: postbox(b, "orders", &self.payments).await?,
            events: postbox(b, "orders", &self.events).await?,
        }))
    }
}

/// How the messages of a component leave its transactions.
async fn postbox<T: Topic>(
    b: &mut Backings,
    component: &str,
    publisher: &TopicPublisher<T>,
) -> Result<Postbox<T>> {
    Ok(match b.choice() {
        Outbox::Relayed => {
            let outbox = b.outbox::<T>(component).await?;
            b.relay(&outbox, publisher);
            Postbox::Relayed(outbox)
        }
        Outbox::NoRelay => Postbox::Once(publisher.clone()),
    })
}

/// The postboxes of the participants' replies. Participants with one database have one outbox, so that what any of them
/// writes wakes its relay.
#[derive(Default)]
struct ReplyBoxes(Option<ReplyPost>);

impl ReplyBoxes {
    async fn of(&mut self, b: &mut Backings, component: &str, mail: &Mail) -> Result<ReplyPost> {
        match (&self.0, b.choice()) {
            (Some(post), Ownership::Shared) => Ok(post.clone()),
            (None, _) | (_, Ownership::PerService) => {
                let post = ReplyPost::new(postbox(b, component, &mail.replies).await?);
                Ok(self.0.insert(post).clone())
            }
        }
    }
}

/// What has a service forget some of what is old.
macro_rules! forgetting {
    ($service:ident) => {{
        let service = Arc::clone(&$service);
        move || {
            let service = Arc::clone(&service);
            async move { service.forget().await }
        }
    }};
}

async fn catalog_service(b: &mut Backings) -> Result<Arc<dyn Catalog>> {
    let store: Arc<dyn CatalogStore> = match b.database("catalog").await? {
        Database::Sqlite(database) => Arc::new(SqliteCatalogStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresCatalogStore::open(database).await?),
    };
    Ok(Arc::new(CatalogService::new(store)))
}

async fn voucher_service(
    b: &mut Backings,
    replies: &mut ReplyBoxes,
    mail: &Mail,
) -> Result<Arc<dyn Vouchers>> {
    let post = replies.of(b, "vouchers", mail).await?;
    let store: Arc<dyn VoucherStore> = match b.database("vouchers").await? {
        Database::Sqlite(database) => Arc::new(SqliteVoucherStore::open(database, post).await?),
        Database::Postgres(database) => Arc::new(PostgresVoucherStore::open(database, post).await?),
    };
    let service = Arc::new(VoucherService::new(store, Arc::new(SystemClock)));
    b.background.forget(forgetting!(service));
    Ok(service)
}

async fn cart_service(
    b: &mut Backings,
    (catalog, vouchers): (Arc<dyn Catalog>, Arc<dyn Vouchers>),
) -> Result<Arc<dyn Carts>> {
    let store: Arc<dyn CartStore> = match b.database("carts").await? {
        Database::Sqlite(database) => Arc::new(SqliteCartStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresCartStore::open(database).await?),
    };
    Ok(Arc::new(CartService::new(store, catalog, vouchers)))
}

async fn stock_service(
    b: &mut Backings,
    replies: &mut ReplyBoxes,
    mail: &Mail,
    goods: &GoodsMetrics,
) -> Result<Arc<dyn Stock>> {
    let (post, strategy, goods) = (replies.of(b, "stock", mail).await?, b.choice(), goods.clone());
    let store: Arc<dyn StockStore> = match b.database("stock").await? {
        Database::Sqlite(database) => {
            Arc::new(SqliteStockStore::open(database, strategy, post).await?.measured(goods))
        }
        Database::Postgres(database) => {
            Arc::new(PostgresStockStore::open(database, strategy, post).await?.measured(goods))
        }
    };
    let service = Arc::new(StockService::new(store, Arc::new(SystemClock)));
    timers::expire_reservations(Arc::clone(&service), &b.background);
    b.background.forget(forgetting!(service));
    Ok(service)
}

async fn payment_service(
    b: &mut Backings,
    replies: &mut ReplyBoxes,
    mail: &Mail,
) -> Result<Arc<dyn Payments>> {
    let post = replies.of(b, "payments", mail).await?;
    let store: Arc<dyn PaymentStore> = match b.database("payments").await? {
        Database::Sqlite(database) => Arc::new(SqlitePaymentStore::open(database, post).await?),
        Database::Postgres(database) => Arc::new(PostgresPaymentStore::open(database, post).await?),
    };
    let (address, _) = provider(b)?;
    let provider = Arc::new(HttpProvider::new(&address)?);
    let service = Arc::new(PaymentService::new(store, provider, Arc::new(SystemClock)));
    b.background.forget(forgetting!(service));
    Ok(service)
}

async fn notice_service(b: &mut Backings) -> Result<Arc<dyn Notices>> {
    let store: Arc<dyn NoticeStore> = match b.database("notices").await? {
        Database::Sqlite(database) => Arc::new(SqliteNoticeStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresNoticeStore::open(database).await?),
    };
    Ok(Arc::new(NoticeService::new(store)))
}

/// The components that orders use.
struct Used {
    catalog: Arc<dyn Catalog>,
    carts: Arc<dyn Carts>,
    stock: Arc<dyn Stock>,
    vouchers: Arc<dyn Vouchers>,
    payments: Arc<dyn Payments>,
}

async fn order_service(
    b: &mut Backings,
    used: Used,
    mail: &Mail,
    goods: &GoodsMetrics,
) -> Result<Arc<dyn Orders>> {
    let post = mail.order_post(b).await?;
    let store: Arc<dyn OrderStore> = match b.database("orders").await? {
        Database::Sqlite(database) => Arc::new(SqliteOrderStore::open(database, post.clone()).await?),
        Database::Postgres(database) => Arc::new(PostgresOrderStore::open(database, post.clone()).await?),
    };
    let strategy = match b.choice() {
        Checkout::Transaction => CheckoutStrategy::Transaction(shop(b, post, goods.clone()).await?),
        Checkout::Saga => CheckoutStrategy::Saga,
        Checkout::DualWrite => {
            let Mail { stock, vouchers, payments, .. } = mail;
            let (stock, vouchers, payments) = (stock.clone(), vouchers.clone(), payments.clone());
            CheckoutStrategy::DualWrite(Arc::new(PublishedCommands { stock, vouchers, payments }))
        }
        Checkout::ChargeFirst => CheckoutStrategy::ChargeFirst,
    };
    let Used { catalog, carts, stock, vouchers, payments } = used;
    let clock = Arc::new(SystemClock);
    let parts = CheckoutParts { carts, catalog, vouchers, stock, payments, store, clock };
    let idempotency = b.choice::<Idempotency>().into();
    let service = Arc::new(OrderService::new(parts, strategy, idempotency, new_order_id, time_left));
    timers::resume_sagas(Arc::clone(&service), &b.background);
    b.background.forget(forgetting!(service));
    Ok(service)
}

/// The transaction over the tables of stock, vouchers and orders, which share a database.
async fn shop(b: &mut Backings, post: OrderPost, goods: GoodsMetrics) -> Result<Arc<dyn ShopTransaction>> {
    let strategy = b.choice();
    Ok(match b.database("orders").await? {
        Database::Sqlite(database) => {
            Arc::new(SqliteShop::open(database, strategy, post).await?.measured(goods))
        }
        Database::Postgres(database) => {
            Arc::new(PostgresShop::open(database, strategy, post).await?.measured(goods))
        }
    })
}

/// The time that is left of the current request.
fn time_left() -> Option<Duration> {
    remote::current().map(|context| context.remaining())
}

/// A unique order id.
fn new_order_id() -> OrderId {
    OrderId(Uuid::now_v7().as_u128())
}

/// Where the provider is, and where it reaches this shop.
fn provider(b: &Backings) -> Result<(String, String)> {
    let address = b.address("provider")?;
    let (server, shop) = address.split_once('#').context(
        "the address of the payment provider does not say where it reaches the shop: `#http://HOST:PORT`",
    )?;
    Ok((server.to_owned(), shop.to_owned()))
}

/// The provider as the edge uses it: its books, and what it signs its webhooks with, once it has been told where they go.
fn provider_of_edge(host: &mut Host, payments: Arc<dyn Payments>) -> Result<ProviderParts> {
    let b = host.backings();
    let (server, shop) = provider(b)?;
    let (books, secret) = (Arc::new(HttpProvider::new(&server)?), WebhookSecret::default());
    let url = format!("{shop}{}", edge::WEBHOOKS);
    timers::announce_webhooks(Arc::clone(&books), url, secret.clone(), &b.background);
    Ok(ProviderParts { payments, books, secret, clock: Arc::new(SystemClock) })
}
