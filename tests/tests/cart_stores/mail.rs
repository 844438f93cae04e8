//! The messages in the outbox of a database.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use backing::{Database, Topic};
use cart::Command;
use cart_app::topics::{OrderEvents, PaymentCommands, Replies, StockCommands, VoucherCommands};
use prost::Message as _;

use crate::{
    ground::at_once,
    stores::{Mail, Message},
};

/// Takes what transactions wrote to the outbox, and behind that what a test adds.
pub(crate) struct OutboxMail {
    database: Database,
    added: Mutex<VecDeque<Message>>,
}

impl OutboxMail {
    pub(crate) fn new(database: Database) -> Self {
        Self { database, added: Mutex::default() }
    }

    /// The first row of the outbox, which is deleted: its topic and its payload.
    async fn first(&self) -> Option<(String, Vec<u8>)> {
        let delete = "DELETE FROM outbox WHERE position = (SELECT min(position) FROM outbox)
            RETURNING topic, payload";
        match &self.database {
            Database::Sqlite(db) => sqlx::query_as(delete).fetch_optional(db.writer()).await.unwrap(),
            Database::Postgres(db) => sqlx::query_as(delete).fetch_optional(db.pool()).await.unwrap(),
        }
    }
}

impl Mail for OutboxMail {
    fn take(&self) -> Option<Message> {
        let first = at_once(self.first()).map(|(topic, payload)| message(&topic, &payload));
        first.or_else(|| self.added.lock().unwrap_or_else(PoisonError::into_inner).pop_front())
    }

    fn add(&self, message: Message) {
        self.added.lock().unwrap_or_else(PoisonError::into_inner).push_back(message);
    }
}

fn message(topic: &str, payload: &[u8]) -> Message {
    match topic {
        StockCommands::NAME => Message::Command(Command::Stock(decoded::<StockCommands>(payload))),
        VoucherCommands::NAME => Message::Command(Command::Voucher(decoded::<VoucherCommands>(payload))),
        PaymentCommands::NAME => Message::Command(Command::Payment(decoded::<PaymentCommands>(payload))),
        Replies::NAME => Message::Reply(decoded::<Replies>(payload)),
        OrderEvents::NAME => Message::Event(decoded::<OrderEvents>(payload)),
        other => panic!("nothing is published to `{other}`"),
    }
}

fn decoded<T: Topic>(payload: &[u8]) -> T::Payload {
    T::Message::decode(payload).unwrap().try_into().unwrap()
}
