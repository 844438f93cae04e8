//! A command from its idempotency key to its reply: in one transaction the charge, the reply and the webhooks.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::StatusCode;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::{
    books::{Books, Delivery, Entry, NewDelivery, Reply, Stored},
    charge::{Change, Charge, Status},
    choice,
    clock::now_ms,
    problem::{KEY_IN_FLIGHT, Problem},
    script::{Arrival, Script, WebhookShares},
    shown::{ChargeShown, EventShown, json},
    webhooks::Webhooks,
};

/// What a request with a key asks for; its hash is the fingerprint of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Command {
    /// A new charge.
    Charge(NewCharge),
    /// A change of the charge with this id.
    Change(String, Change),
}

/// A new charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct NewCharge {
    pub(crate) order: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) token: String,
    /// Whether it is captured at once.
    pub(crate) capture: bool,
}

/// What became of a command.
#[derive(Debug)]
pub(crate) struct Executed {
    pub(crate) reply: Reply,
    /// Whether it was done now, and not repeated from the books.
    pub(crate) is_first: bool,
}

/// Executes commands. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Executor(Arc<Shared>);

struct Shared {
    books: Books,
    webhooks: Webhooks,
    script: Script,
    most_charges: i64,
    /// The keys in flight: as many as there are requests in flight.
    keys: Mutex<HashSet<String>>,
}

/// The keys in flight have this one until it is dropped.
pub(crate) struct ClaimedKey {
    key: String,
    executor: Executor,
}

/// A charge and what it tells by a webhook.
struct Outcome {
    charge: Charge,
    status: StatusCode,
    /// The type of the event: `charge.captured`.
    kind: &'static str,
}

impl Executor {
    pub(crate) fn new(books: Books, webhooks: Webhooks, script: Script, most_charges: i64) -> Self {
        Self(Arc::new(Shared { books, webhooks, script, most_charges, keys: Mutex::default() }))
    }

    pub(crate) fn books(&self) -> &Books {
        &self.0.books
    }

    pub(crate) fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }

    pub(crate) fn script(&self) -> &Script {
        &self.0.script
    }

    /// Claims a key; 409 while another request has it.
    pub(crate) fn claim(&self, key: String) -> Result<ClaimedKey, Problem> {
        let is_free = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        let in_flight = || {
            let detail = "a request with this key is in flight: repeat it later";
            Problem::new(StatusCode::CONFLICT, KEY_IN_FLIGHT, detail)
        };
        is_free.then(|| ClaimedKey { key, executor: self.clone() }).ok_or_else(in_flight)
    }
}

impl Drop for ClaimedKey {
    fn drop(&mut self) {
        self.executor.0.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl ClaimedKey {
    /// The key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Executes a command, or repeats the reply that the key had before.
    pub(crate) async fn execute(&self, command: Command) -> Result<Executed, Problem> {
        let shared = &self.executor.0;
        let fingerprint = Sha256::digest(json(&command));
        // Before the delay: a reply that is there already is repeated at once.
        if let Some(stored) = shared.books.stored(&self.key).await? {
            return repeated(stored, &fingerprint);
        }
        sleep(shared.script.latency(&self.key)).await;
        // No other request has the key, so it is not stored meanwhile.
        let mut entry = shared.books.entry().await?;
        let now = now_ms();
        let outcome = match command {
            Command::Charge(new) => Ok(self.charge(&mut entry, new, now).await?),
            Command::Change(id, change) => changed(&mut entry, &id, change, now).await?,
        };
        let mut early = None;
        let reply = match outcome {
            Ok(outcome) => {
                early = self.tell(&mut entry, &outcome, now).await?;
                let body = json(&ChargeShown::new(&outcome.charge, now));
                Reply { status: outcome.status.as_u16(), body }
            }
            Err(refused) => Reply { status: refused.status().as_u16(), body: refused.body() },
        };
        entry.store(&self.key, &fingerprint, &reply).await?;
        entry.commit().await?;
        if let Some(delivery) = early {
            shared.webhooks.attempt(delivery).await;
        }
        shared.webhooks.entered();
        Ok(Executed { reply, is_first: true })
    }

    async fn charge(&self, entry: &mut Entry, new: NewCharge, now: u64) -> Result<Outcome, Problem> {
        let shared = &self.executor.0;
        let decline = shared.script.decline(&self.key, &new.token);
        let (status, kind) = match decline {
            Some(_) => (Status::Declined, "charge.declined"),
            None if new.capture => (Status::Captured, "charge.captured"),
            None => (Status::Authorised, "charge.authorised"),
        };
        let charge = Charge {
            id: choice::id("ch", shared.script.seed, &self.key),
            order: new.order,
            amount: new.amount,
            currency: new.currency,
            status,
            decline,
            captured: if status == Status::Captured { new.amount } else { 0 },
            refunded: 0,
            created_at: now,
            expires_at: now.saturating_add(shared.script.authorised_for_ms(&new.token)),
        };
        if entry.insert(&charge).await? > shared.most_charges {
            let detail = format!("the books are full: they hold {} charges", shared.most_charges);
            return Err(Problem::new(StatusCode::INSUFFICIENT_STORAGE, "books-full", detail));
        }
        Ok(Outcome { charge, status: StatusCode::CREATED, kind })
    }

    /// Enters the webhooks that tell of an outcome; returns the one whose first attempt is made before the reply.
    async fn tell(
        &self,
        entry: &mut Entry,
        outcome: &Outcome,
        now: u64,
    ) -> Result<Option<Delivery>, sqlx::Error> {
        let Shared { webhooks, script, .. } = &*self.executor.0;
        if webhooks.endpoint().is_none() {
            return Ok(None);
        }
        let id = choice::id("evt", script.seed, &self.key);
        let Outcome { charge, kind, .. } = outcome;
        let shown = ChargeShown::new(charge, now);
        let event =
            EventShown { id: &id, kind, created_at_ms: now, idempotency_key: &self.key, charge: shown };
        let body = json(&event);
        let WebhookShares { soon_ms, late_ms, .. } = script.webhooks;
        let (soon, late) = (now.saturating_add(soon_ms), now.saturating_add(late_ms));
        let new = |due_at, until| NewDelivery {
            charge: &charge.id,
            event: &id,
            body: &body,
            is_held: false,
            attempts: 0,
            due_at,
            until,
        };
        let due = |due_at: u64| new(due_at, due_at.saturating_add(webhooks.tried_for_ms()));
        match script.arrival(&self.key) {
            Arrival::Never => {}
            Arrival::Once => {
                entry.queue(&due(soon)).await?;
            }
            Arrival::Late => {
                entry.queue(&due(late)).await?;
            }
            Arrival::Twice => {
                entry.queue(&due(soon)).await?;
                entry.queue(&due(soon.saturating_add(soon_ms))).await?;
            }
            // The second of two that wait for each other does not wait.
            Arrival::OutOfOrder if entry.holds_back(&charge.id).await? => {
                entry.queue(&due(soon)).await?;
            }
            Arrival::OutOfOrder => {
                entry.queue(&NewDelivery { is_held: true, ..due(late) }).await?;
            }
            Arrival::Early => {
                let until = now.saturating_add(webhooks.tried_for_ms());
                let noted = NewDelivery { attempts: 1, ..new(webhooks.again_at(now), until) };
                let number = entry.queue(&noted).await?;
                let charge = charge.id.clone();
                return Ok(Some(Delivery { number, charge, event: id, body, attempts: 1, until }));
            }
        }
        Ok(None)
    }
}

/// The reply of the books, if it is one to this request.
fn repeated(stored: Stored, fingerprint: &[u8]) -> Result<Executed, Problem> {
    if stored.fingerprint == fingerprint {
        return Ok(Executed { reply: stored.reply, is_first: false });
    }
    let detail = "this key was used for another request: use a new one";
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "key-reused", detail))
}

/// Changes a charge. A refusal by the charge is a reply as good as any, and is stored.
async fn changed(
    entry: &mut Entry,
    id: &str,
    change: Change,
    now: u64,
) -> Result<Result<Outcome, Problem>, Problem> {
    let before = entry.charge(id).await?.ok_or_else(|| Problem::no_such_charge(id))?;
    let after = match before.changed(change, now) {
        Ok(after) => after,
        Err(refusal) => return Ok(Err(refusal.into())),
    };
    entry.update(&after).await?;
    let (status, kind) = match change {
        Change::Capture(_) => (StatusCode::OK, "charge.captured"),
        Change::Void => (StatusCode::OK, "charge.voided"),
        Change::Refund(_) => (StatusCode::CREATED, "charge.refunded"),
    };
    Ok(Ok(Outcome { charge: after, status, kind }))
}
