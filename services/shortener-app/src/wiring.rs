//! The shortener's wiring: the architecture, top to bottom.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use backing::Database;
use contract::SystemClock;
use design::EDGE;
use runtime::{Backings, Host};
use shortener::{
    ClickService, ClickStore, Clicks, CodeSource, CounterCodes, HashCodes, LinkId, LinkService, LinkStore,
    Links, OwnHosts, RandomCodes, Target,
};
use uuid::Uuid;

use crate::{
    adapters::{
        CachedLinkStore, DistantLinkStore, PostgresClickStore, PostgresLinkStore, SqliteClickStore,
        SqliteLinkStore, StoreNumbers, Tallying,
    },
    axes::{Codes, Distance},
    edge,
    remotes::{clicks, links},
    topics::Follows,
};

/// The capacity of the link cache in a process.
const CACHED_LINKS: usize = 100_000;

/// Clicks use a store. Links use a store, with or without a cache, and a source of codes. The edge follows
/// links and publishes a click for each, from which the clicks are tallied.
pub(crate) async fn wire(host: &mut Host) -> Result<()> {
    let clicks = host.place(clicks::CONTRACT, click_service).await?;
    let links = host.place(links::CONTRACT, link_service).await?;
    let followed = host.publisher::<Follows>(EDGE)?;
    host.subscribe::<Follows>("tallying", Arc::new(Tallying::new(Arc::clone(&clicks))))?;
    let own_hosts = own_hosts(host)?;
    host.edge_priorities(edge::PRIORITIES);
    host.edge(|_| edge::router(links, clicks, followed, own_hosts));
    Ok(())
}

/// The hosts to which no link may lead: the addresses that this process listens on, and its public names.
fn own_hosts(host: &Host) -> Result<OwnHosts> {
    let urls = host.public_urls().iter().map(|url| Target::parse(url.as_str()));
    let urls: Result<Vec<_>, _> = urls.collect();
    Ok(OwnHosts::new(&host.public_addresses()?, urls.context("the process configuration's `public_urls`")?))
}

async fn click_service(b: &mut Backings) -> Result<Arc<dyn Clicks>> {
    Ok(Arc::new(ClickService::new(click_store(b).await?)))
}

async fn link_service(b: &mut Backings) -> Result<Arc<dyn Links>> {
    let (store, codes) = (link_store(b).await?, code_source(b).await?);
    Ok(Arc::new(LinkService::new(store, codes, Arc::new(SystemClock), new_link_id)))
}

/// A unique link id.
pub fn new_link_id() -> LinkId {
    LinkId(Uuid::now_v7().as_u128())
}

async fn click_store(b: &mut Backings) -> Result<Arc<dyn ClickStore>> {
    Ok(match b.database("clicks").await? {
        Database::Sqlite(database) => Arc::new(SqliteClickStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresClickStore::open(database).await?),
    })
}

async fn link_store(b: &mut Backings) -> Result<Arc<dyn LinkStore>> {
    let store: Arc<dyn LinkStore> = match b.database("links").await? {
        Database::Sqlite(database) => Arc::new(SqliteLinkStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresLinkStore::open(database).await?),
    };
    let store = match b.choice() {
        Distance::Near => store,
        Distance::Far => Arc::new(DistantLinkStore::new(store)),
    };
    Ok(match b.cache("links", CACHED_LINKS).await? {
        Some(cache) => Arc::new(CachedLinkStore::new(store, cache, Arc::new(SystemClock))),
        None => store,
    })
}

async fn code_source(b: &mut Backings) -> Result<Arc<dyn CodeSource>> {
    Ok(match b.choice() {
        Codes::Random => Arc::new(RandomCodes::new(rand::random::<u64>)),
        Codes::Counter => Arc::new(CounterCodes::new(StoreNumbers::new(b.database("links").await?))),
        Codes::Hash => Arc::new(HashCodes),
    })
}
