//! The chat's wiring: the architecture, top to bottom.

use std::{sync::Arc, time::Duration};

use anyhow::Result;
use backing::{Broadcast, BroadcastMetrics, Channel, Database, KafkaBroadcast, RedisBroadcast, Topic as _};
use chat::{
    Epoch, MessageService, MessageStore, Messages, Presence, PresenceService, PresenceStore, RecordSender,
    RoomService, RoomStore, Rooms,
};
use contract::SystemClock;
use runtime::{Backings, Host, live::Limits};

use crate::{
    adapters::{
        PostgresMessageStore, PostgresPresenceStore, PostgresRoomStore, SqliteMessageStore,
        SqlitePresenceStore, SqliteRoomStore,
    },
    axes::{Fanout, SlowConsumer, Write},
    delivery::{DeliveryMetrics, Hub, PresenceReports},
    edge,
    fanout::{ByBroadcast, ByCall, InTime},
    remotes::{delivery, messages, presence, rooms},
    timers,
    topics::Records,
};

/// The logs have their records delivered, and whoever delivers them reads from the logs. Rooms write removals into the logs.
/// Connections belong to the edge.
pub(crate) async fn wire(host: &mut Host) -> Result<()> {
    let (calls, mut broadcasts, mut hub) = (ByCall::default(), Broadcasts::default(), None);
    let messages =
        host.place(messages::CONTRACT, async |b| message_service(b, &calls, &mut broadcasts).await).await?;
    let logs = Arc::clone(&messages);
    let rooms = host.place(rooms::CONTRACT, async |b| room_service(b, logs).await).await?;
    let presence = host.place(presence::CONTRACT, presence_service).await?;
    let logs = Arc::clone(&messages);
    let deliver = async |b: &mut Backings| {
        let made = hub.insert(delivery_hub(b, logs, &mut broadcasts).await?).clone();
        Ok(Arc::new(made) as Arc<dyn chat::Delivery>)
    };
    calls.connect(host.place(delivery::CONTRACT, deliver).await?);
    host.edge_priorities(edge::PRIORITIES);
    if let Some(hub) = hub {
        let live = host.live(connection_limits(host.choice()));
        let reports = PresenceReports::start(Arc::clone(&presence), &host.backings().background);
        host.edge(|_| edge::router(edge::Parts { rooms, messages, presence, hub, live, reports }));
    }
    Ok(())
}

/// The channel by which records reach every process that holds connections, once for a process.
#[derive(Default)]
struct Broadcasts(Option<Channel<Records>>);

impl Broadcasts {
    async fn channel(&mut self, b: &mut Backings) -> Result<Option<Channel<Records>>> {
        if self.0.is_some() {
            return Ok(self.0.clone());
        }
        let (name, background) = (Records::NAME, b.background.clone());
        let broadcast: Arc<dyn Broadcast> = match b.choice() {
            Fanout::Process => return Ok(None),
            Fanout::Redis => {
                let (redis, metrics) =
                    (b.redis("fanout").await?, BroadcastMetrics::register(&mut b.registry));
                Arc::new(RedisBroadcast::start(redis, name, &metrics, &background))
            }
            Fanout::Kafka => {
                let (broker, metrics) = (b.address("fanout")?, BroadcastMetrics::register(&mut b.registry));
                Arc::new(KafkaBroadcast::start(&broker, name, &metrics, &background)?)
            }
        };
        b.watches(broadcast.check());
        self.0 = Some(Channel::new(broadcast));
        Ok(self.0.clone())
    }
}

async fn message_service(
    b: &mut Backings,
    calls: &ByCall,
    broadcasts: &mut Broadcasts,
) -> Result<Arc<dyn Messages>> {
    let store: Arc<dyn MessageStore> = match b.database("messages").await? {
        Database::Sqlite(database) => Arc::new(SqliteMessageStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresMessageStore::open(database).await?),
    };
    let sender: Arc<dyn RecordSender> = match broadcasts.channel(b).await? {
        Some(channel) => Arc::new(InTime(ByBroadcast(channel))),
        None => Arc::new(InTime(calls.clone())),
    };
    let order = b.choice::<Write>().into();
    Ok(Arc::new(MessageService::new(store, sender, Arc::new(SystemClock), order, new_epoch)))
}

async fn room_service(b: &mut Backings, messages: Arc<dyn Messages>) -> Result<Arc<dyn Rooms>> {
    let store: Arc<dyn RoomStore> = match b.database("rooms").await? {
        Database::Sqlite(database) => Arc::new(SqliteRoomStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresRoomStore::open(database).await?),
    };
    let service = Arc::new(RoomService::new(store, messages, Arc::new(SystemClock)));
    timers::finish_removals(Arc::clone(&service), &b.background);
    Ok(service)
}

async fn presence_service(b: &mut Backings) -> Result<Arc<dyn Presence>> {
    let store: Arc<dyn PresenceStore> = match b.database("presence").await? {
        Database::Sqlite(database) => Arc::new(SqlitePresenceStore::open(database).await?),
        Database::Postgres(database) => Arc::new(PostgresPresenceStore::open(database).await?),
    };
    let service = Arc::new(PresenceService::new(store, Arc::new(SystemClock)));
    let forgetting = Arc::clone(&service);
    b.background.forget(move || {
        let service = Arc::clone(&forgetting);
        async move { service.forget().await }
    });
    Ok(service)
}

async fn delivery_hub(
    b: &mut Backings,
    messages: Arc<dyn Messages>,
    broadcasts: &mut Broadcasts,
) -> Result<Hub> {
    let metrics = DeliveryMetrics::register(&mut b.registry);
    let hub = Hub::new(messages, b.choice(), metrics);
    let records = broadcasts.channel(b).await?.map(|channel| channel.listen());
    hub.start(records, &b.background);
    Ok(hub)
}

/// What a client may leave unread.
fn connection_limits(slow_consumer: SlowConsumer) -> Limits {
    match slow_consumer {
        SlowConsumer::DisconnectAndResume => Limits::default(),
        // The library's own default, and the kernel's.
        SlowConsumer::Unbounded => Limits {
            queued_messages: usize::MAX,
            queued_bytes: usize::MAX,
            kernel_buffer: None,
            write_within: Duration::from_hours(24),
            ..Limits::default()
        },
    }
}

/// The epoch of a new log, which no other has.
fn new_epoch() -> Epoch {
    loop {
        if let Ok(epoch) = Epoch::new(rand::random::<u64>() >> 1) {
            return epoch;
        }
    }
}
