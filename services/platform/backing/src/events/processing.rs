//! Processing a batch: retries, and dead letters for the events that fail for good.

use std::{ops::Range, time::Duration};

use async_trait::async_trait;
use contract::Why;
use tokio::time::Instant;

use super::{event::Event, group::Group, subscriber::Batching};

/// The pauses between attempts: the first, which doubles from attempt to attempt, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));
/// Attempts at an event for which the subscriber fails.
const BROKEN_ATTEMPTS: u32 = 5;
/// How long an event is retried for which the subscriber times out: it may be slow for all events.
const TIMED_OUT_FOR: Duration = Duration::from_mins(1);

/// How long a failing event is retried.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Patience {
    /// It depends on the reason of the failure; see [`Subscriber::receive`](super::subscriber::Subscriber::receive).
    ByReason,
    /// This many attempts, whatever the reason, with this pause after the first.
    Attempts(u32, Duration),
}

/// The failed attempts at an event.
#[derive(Debug)]
pub(crate) struct Attempts {
    patience: Patience,
    failed: u32,
    since: Option<Instant>,
}

impl Attempts {
    pub(crate) fn new(patience: Patience) -> Self {
        Self { patience, failed: 0, since: None }
    }

    /// Counts a failed attempt and returns the pause before the next one; `None`: give up.
    pub(crate) fn pause_after(&mut self, why: Why) -> Option<Duration> {
        self.failed += 1;
        let since = *self.since.get_or_insert_with(Instant::now);
        let (first, longest) = match self.patience {
            Patience::ByReason => PAUSES,
            Patience::Attempts(_, first) => (first, Duration::MAX),
        };
        let gives_up = match (self.patience, why) {
            (_, Why::Misunderstood) => true,
            (Patience::Attempts(most, _), _) => self.failed >= most,
            (Patience::ByReason, Why::Broken) => self.failed >= BROKEN_ATTEMPTS,
            (Patience::ByReason, Why::TimedOut) => since.elapsed() >= TIMED_OUT_FOR,
            (Patience::ByReason, Why::Unreachable | Why::Overloaded | Why::Rejected) => false,
        };
        let doublings = 2_u32.saturating_pow(self.failed - 1);
        (!gives_up).then(|| first.saturating_mul(doublings).min(longest))
    }
}

/// The process stops; the batch is delivered again elsewhere.
#[derive(Debug)]
pub(crate) struct Stopped;

/// What a transport does while a batch is processed.
#[async_trait]
pub(crate) trait Delivery: Send {
    /// Waits before the next attempt.
    async fn pause(&mut self, pause: Duration) -> Result<(), Stopped>;

    /// Stores the events at these indexes of the batch as dead letters; returns when they are stored.
    async fn dead_letter(&mut self, indexes: &[usize], reason: &str) -> Result<(), Stopped>;
}

/// Processes every event of a batch, or makes it a dead letter.
///
/// The algorithm is a bisection. If the subscriber fails for a part of the batch, the part is split into halves, until the
/// failing event is alone: ten splits find a poison message among a thousand, and all other events are processed. The left
/// half always comes first, so events keep their order. An event that fails alone is retried according to `patience`, and
/// then becomes a dead letter.
pub(crate) async fn process(
    group: &Group,
    events: &[Event],
    batching: Batching,
    patience: Patience,
    delivery: &mut dyn Delivery,
) -> Result<(), Stopped> {
    let batch = group.decode(events);
    for (index, reason) in &batch.unreadable {
        delivery.dead_letter(&[*index], &reason.to_string()).await?;
        group.metrics.dead.inc();
    }
    let mut left: Vec<_> = std::iter::once(0..batch.indexes.len()).collect();
    while let Some(part) = left.pop().filter(|part| !part.is_empty()) {
        let mut attempts = Attempts::new(patience);
        loop {
            let Err(error) = batch.events.receive(part.clone(), batching).await else {
                group.metrics.received.inc_by(part.len() as u64);
                break;
            };
            if is_divisible(&part, batching, error.why) {
                let middle = part.start + part.len() / 2;
                left.extend([middle..part.end, part.start..middle]);
                break;
            }
            let Some(pause) = attempts.pause_after(error.why) else {
                delivery.dead_letter(&batch.indexes[part.clone()], &error.to_string()).await?;
                group.metrics.dead.inc_by(part.len() as u64);
                break;
            };
            tracing::warn!(%error, group = group.id(), events = part.len(), "events are retried");
            delivery.pause(pause).await?;
        }
    }
    Ok(())
}

/// Whether a part that failed is split.
///
/// It is not if the subscriber was unavailable, because then no event of it is the cause. And a batch that is processed as
/// one unit ([`Batching::Fixed`]) is split only if it certainly had no effect: a half would be another unit.
fn is_divisible(part: &Range<usize>, batching: Batching, why: Why) -> bool {
    let may_be_the_cause = match why {
        Why::Misunderstood => true,
        Why::Broken | Why::TimedOut => batching == Batching::Shifting,
        Why::Unreachable | Why::Overloaded | Why::Rejected => false,
    };
    part.len() > 1 && may_be_the_cause
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::sleep;

    use super::*;
    use crate::events::example::{Reader, note};

    /// Collects the dead letters. The reader recovers at some time, if at all.
    struct Log {
        reader: Arc<Reader>,
        recovers_at: Option<Instant>,
        dead: Vec<(usize, String)>,
    }

    #[async_trait]
    impl Delivery for Log {
        async fn pause(&mut self, pause: Duration) -> Result<(), Stopped> {
            sleep(pause).await;
            if self.recovers_at.is_some_and(|at| Instant::now() >= at) {
                self.reader.recovers();
            }
            Ok(())
        }

        async fn dead_letter(&mut self, indexes: &[usize], reason: &str) -> Result<(), Stopped> {
            self.dead.extend(indexes.iter().map(|index| (*index, reason.to_owned())));
            Ok(())
        }
    }

    /// Processes a thousand notes, one of which is poison; returns the dead letters and the time it took.
    async fn processed(why: Why, batching: Batching, recovers: Option<Duration>) -> (Log, Duration) {
        let reader = Arc::new(Reader::default());
        reader.fails("poison", why);
        let events: Vec<_> =
            (0..1_000).map(|id| note(id, if id == 7 { "poison" } else { "sound" })).collect();
        let began = Instant::now();
        let mut log = Log {
            reader: Arc::clone(&reader),
            recovers_at: recovers.map(|after| began + after),
            dead: Vec::new(),
        };
        let group = reader.group();
        process(&group, &events, batching, Patience::ByReason, &mut log).await.expect("it is not stopped");
        let done = reader.taken().len() + log.dead.len();
        assert_eq!(done, events.len(), "each event is processed or a dead letter");
        assert!(reader.taken().is_sorted(), "in their order");
        assert_eq!(group.metrics.received.get(), reader.taken().len() as u64);
        assert_eq!(group.metrics.dead.get(), log.dead.len() as u64);
        (log, began.elapsed())
    }

    fn indexes(log: &Log) -> Vec<usize> {
        log.dead.iter().map(|(index, _)| *index).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_poison_message_is_found_among_a_thousand_and_holds_nothing_else_up() {
        let (log, took) = processed(Why::Misunderstood, Batching::Shifting, None).await;
        assert_eq!(indexes(&log), [7]);
        assert!(log.dead[0].1.contains("do not understand"), "{:?}", log.dead);
        assert!(took.is_zero() && log.reader.calls() < 25, "{took:?}, {} calls", log.reader.calls());
    }

    #[tokio::test(start_paused = true)]
    async fn a_subscriber_that_fails_for_ever_costs_the_one_event_some_seconds() {
        let (log, took) = processed(Why::Broken, Batching::Shifting, None).await;
        assert_eq!(indexes(&log), [7]);
        assert!(took < Duration::from_secs(3), "{took:?}");
        let (log, took) = processed(Why::TimedOut, Batching::Shifting, None).await;
        assert_eq!(indexes(&log), [7]);
        assert!((60..62).contains(&took.as_secs()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_unavailable_subscriber_is_waited_for_and_rejects_nothing() {
        for why in [Why::Unreachable, Why::Overloaded] {
            let away = Duration::from_hours(1);
            let (log, took) = processed(why, Batching::Shifting, Some(away)).await;
            assert_eq!(indexes(&log), [0; 0], "{why:?}");
            assert!(took >= away && took < away + Duration::from_secs(2), "{took:?}");
        }
        let (log, _) = processed(Why::Broken, Batching::Shifting, Some(Duration::from_secs(1))).await;
        assert_eq!(indexes(&log), [0; 0], "it failed for a moment");
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_that_is_one_unit_is_split_only_if_it_had_no_effect() {
        let (log, _) = processed(Why::Misunderstood, Batching::Fixed, None).await;
        assert_eq!(indexes(&log), [7]);
        let (log, _) = processed(Why::Broken, Batching::Fixed, None).await;
        assert_eq!(
            indexes(&log),
            (0..1_000).collect::<Vec<_>>(),
            "all of it, because it may have had an effect"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_cannot_be_decoded_is_a_dead_letter_and_the_others_are_processed() {
        let reader = Arc::new(Reader::default());
        let mut log = Log { reader: Arc::clone(&reader), recovers_at: None, dead: Vec::new() };
        let mut events: Vec<_> = (0..5).map(|id| note(id, "sound")).collect();
        events[1].payload.type_name = "lab.example.v1.Other".into();
        events[3].payload.bytes = bytes::Bytes::from_static(b"?");
        process(&reader.group(), &events, Batching::Shifting, Patience::ByReason, &mut log)
            .await
            .expect("it ends");
        assert_eq!(reader.taken(), [0, 2, 4]);
        assert_eq!(indexes(&log), [1, 3]);
        assert!(log.dead[0].1.contains("lab.example.v1.Other"), "{:?}", log.dead);
    }
}
