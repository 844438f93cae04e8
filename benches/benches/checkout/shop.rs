//! The shop's own code, from the claim of a key to the commit.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use backing::{Database, Outbox, Postgres, Topic, Waiting};
use cart::{
    CartId, Currency, CustomerId, Delivery, DeliveryId, Fingerprint, Money, Order, OrderId, OrderLine,
    OrderStore as _, PaymentToken, ProductId, Purchase, Quantity, Refusal, RequestKey, ShopTransaction as _,
    Status, StockStore as _,
    ports::{Claim, Claimed},
};
use cart_app::{
    PostgresOrderStore, PostgresShop, PostgresStockStore,
    axes::StockStrategy,
    postbox::{OrderBoxes, OrderPost, Postbox, ReplyPost},
};
use contract::{Clock as _, SystemClock};
use prometheus_client::metrics::counter::Counter;
use rand::{Rng, RngExt as _, SeedableRng as _, rngs::Xoshiro256PlusPlus};

use super::{CLIENTS, PAIRS};

/// Pieces of each product: enough for any bench.
const PLENTY: u64 = 1_000_000_000;
const PRICE: i64 = 1_999;

/// A shop in a database of its own.
pub(super) struct Shop {
    server: String,
    name: String,
    database: Postgres,
    orders: PostgresOrderStore,
    transaction: PostgresShop,
    runs: AtomicU64,
}

/// What is the same in all orders.
struct Terms {
    price: Money,
    nothing: Money,
    one: Quantity,
    card: PaymentToken,
}

impl Shop {
    /// Creates a database on the server, with a stocked shop.
    pub(super) async fn open(server: &str) -> Result<Self> {
        let server = server.trim_end_matches('/');
        let name = format!("bench_checkout_{}", std::process::id());
        open(&format!("{server}/postgres")).await?.execute(&format!("CREATE DATABASE {name}")).await?;
        let address = format!("{server}/{name}");
        let database = open(&address).await?;
        let shared = Database::Postgres(database.clone());
        let post = OrderPost::new(OrderBoxes {
            stock: relayed(&shared).await?,
            vouchers: relayed(&shared).await?,
            payments: relayed(&shared).await?,
            events: relayed(&shared).await?,
        });
        let strategy = StockStrategy::RowLock;
        let replies = ReplyPost::new(relayed(&shared).await?);
        let stock = PostgresStockStore::open(database.clone(), strategy, replies).await?;
        for product in (0..PAIRS).flat_map(pair) {
            let delivery = Delivery { id: DeliveryId(product.0), product, quantity: PLENTY };
            stock.receive(&delivery).await?;
        }
        drop(stock);
        // Connections that have prepared nothing yet.
        let database = open(&address).await?;
        let orders = PostgresOrderStore::open(database.clone(), post.clone()).await?;
        let transaction = PostgresShop::open(database.clone(), strategy, post).await?;
        Ok(Self { server: server.to_owned(), name, database, orders, transaction, runs: AtomicU64::new(0) })
    }

    pub(super) fn address(&self) -> String {
        format!("{}/{}", self.server, self.name)
    }

    /// Removes the database.
    pub(super) async fn remove(self) -> Result<()> {
        let Self { server, name, .. } = self;
        Ok(open(&format!("{server}/postgres"))
            .await?
            .execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await?)
    }

    /// Transactions a second of all clients, for so long.
    pub(super) async fn run(&self, length: Duration) -> Result<f64> {
        let run = self.runs.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let clients =
            (0..CLIENTS as u64).map(|client| self.buy(run * CLIENTS as u64 + client, began + length));
        let bought: u64 = futures::future::try_join_all(clients).await?.into_iter().sum();
        Ok(bought as f64 / began.elapsed().as_secs_f64())
    }

    /// The statements that a connection of the shop has prepared.
    pub(super) async fn prepared(&self) -> Result<Vec<String>> {
        // Without the statements of migrations, and without this one: a checkout sends neither.
        let select = "SELECT statement FROM pg_prepared_statements
            WHERE statement !~ 'pg_prepared_statements|_migrations|pg_advisory|current_database'";
        Ok(sqlx::query_scalar(select).fetch_all(self.database.pool()).await?)
    }

    /// The texts of an order, as they are stored, by the names of the script's variables.
    pub(super) async fn texts(&self) -> Result<Vec<(&'static str, String)>> {
        let selects = [
            ("reply", "SELECT reply FROM checkout_keys WHERE reply IS NOT NULL LIMIT 1"),
            ("total", "SELECT total FROM checkout_keys LIMIT 1"),
            ("purchase", "SELECT purchase FROM orders LIMIT 1"),
            ("lines", "SELECT lines FROM reservations LIMIT 1"),
            ("command_topic", "SELECT topic FROM outbox ORDER BY position LIMIT 1"),
            ("command_type", "SELECT type_name FROM outbox ORDER BY position LIMIT 1"),
            ("command", "SELECT payload::text FROM outbox ORDER BY position LIMIT 1"),
            ("event_topic", "SELECT topic FROM outbox ORDER BY topic DESC LIMIT 1"),
            ("event_type", "SELECT type_name FROM outbox ORDER BY topic DESC LIMIT 1"),
            ("made", "SELECT payload::text FROM outbox ORDER BY topic DESC LIMIT 1"),
        ];
        let mut texts = Vec::new();
        for (name, select) in selects {
            texts.push((name, sqlx::query_scalar(select).fetch_one(self.database.pool()).await?));
        }
        Ok(texts)
    }

    /// Places one order after the other; returns how many.
    async fn buy(&self, client: u64, until: Instant) -> Result<u64> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(client);
        let currency = Currency::parse("EUR").context("a currency")?;
        let terms = Terms {
            price: Money::new(PRICE, currency),
            nothing: Money::new(0, currency),
            one: Quantity::new(1).context("a quantity")?,
            card: PaymentToken::parse("visa").context("a card")?,
        };
        let mut bought = 0;
        while Instant::now() < until {
            self.place(&terms, &mut random).await?;
            bought += 1;
        }
        Ok(bought)
    }

    async fn place(&self, terms: &Terms, random: &mut impl Rng) -> Result<()> {
        let order = order(terms, random);
        let key = RequestKey::parse(order.id.to_string()).context("a key")?;
        let now = order.made_at;
        let claim = Claim {
            key: key.clone(),
            fingerprint: Fingerprint(random.random()),
            order: order.id,
            total: order.total,
            now,
            until: now,
            forgotten_at: now.plus(cart::REMEMBERED_FOR),
        };
        ensure!(matches!(self.orders.claim(&claim).await?, Claimed::Taken(_)), "an id came twice");
        let placed = Purchase::placed(order.clone(), terms.card.clone(), now);
        let refuse =
            |reason: Refusal| Purchase::refused(order.clone(), terms.card.clone(), reason, true, now);
        let reply = self.transaction.place(&key, &placed, &refuse).await?;
        ensure!(reply.is_ok(), "an order was refused: {reply:?}");
        Ok(())
    }
}

/// The products of a pair.
pub(super) fn pair(number: u128) -> [ProductId; 2] {
    [ProductId(2 * number + 1), ProductId(2 * number + 2)]
}

/// An order of a pair of products.
fn order(terms: &Terms, random: &mut impl Rng) -> Order {
    let line = |product| OrderLine {
        product,
        quantity: terms.one,
        price: terms.price,
        discount: terms.nothing,
        net: terms.price,
    };
    Order {
        id: OrderId(random.random()),
        customer: CustomerId(random.random()),
        cart: CartId(random.random()),
        lines: pair(random.random_range(0..PAIRS)).map(line).into(),
        voucher: None,
        total: Money::new(2 * PRICE, terms.price.currency),
        status: Status::Pending,
        reason: None,
        refunds: Vec::new(),
        made_at: SystemClock.now(),
        settled_at: None,
    }
}

async fn open(address: &str) -> Result<Postgres> {
    match Database::open(address, "database", Counter::default(), &Waiting::default()).await? {
        Database::Postgres(database) => Ok(database),
        Database::Sqlite(_) => anyhow::bail!("`{address}`: expected postgres://user@host:port"),
    }
}

async fn relayed<T: Topic>(database: &Database) -> Result<Postbox<T>> {
    Ok(Postbox::Relayed(Outbox::open(database).await?))
}
