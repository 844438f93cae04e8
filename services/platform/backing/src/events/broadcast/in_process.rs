//! Within the process: listeners in other processes receive nothing.

use async_trait::async_trait;
use contract::Unavailable;

use super::{
    Broadcast,
    feed::{BroadcastMetrics, Feed},
};
use crate::{Check, events::event::Event};

/// Broadcasts within the process.
pub struct InProcess {
    feed: Feed,
}

impl InProcess {
    /// Creates a broadcast of this topic.
    pub fn new(topic: &'static str, metrics: &BroadcastMetrics) -> Self {
        Self { feed: Feed::new(topic, metrics) }
    }
}

#[async_trait]
impl Broadcast for InProcess {
    async fn send(&self, event: Event) -> Result<(), Unavailable> {
        self.feed.sent();
        self.feed.receive(event);
        Ok(())
    }

    fn feed(&self) -> &Feed {
        &self.feed
    }

    fn check(&self) -> Check {
        Check::new("broadcast".to_owned(), || std::future::ready(true))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::FutureExt as _;

    use super::*;
    use crate::events::{
        broadcast::{Channel, Listener, Received},
        example::{Note, Notes},
    };

    fn channel() -> Channel<Notes> {
        Channel::new(Arc::new(InProcess::new("notes", &BroadcastMetrics::default())))
    }

    async fn send(channel: &Channel<Notes>, ids: std::ops::Range<u128>) {
        for id in ids {
            channel.send(Event::new(id, "key", Note::new("hello"))).await.expect("it is taken");
        }
    }

    /// What a listener receives without waiting: ids, and `None` for a gap.
    fn received(listener: &mut Listener<Notes>) -> Vec<Option<u128>> {
        // Outside of tokio's cooperative budget, which would make it yield after some hundred events.
        let next = || tokio::task::unconstrained(listener.next()).now_or_never();
        let id = |heard| if let Received::Event(event) = heard { Some(event.id) } else { None };
        std::iter::from_fn(next).map(id).collect()
    }

    #[tokio::test]
    async fn every_listener_receives_what_is_sent_while_it_listens() {
        let channel = channel();
        send(&channel, 0..2).await;
        let mut first = channel.listen();
        send(&channel, 2..4).await;
        let mut second = channel.listen();
        send(&channel, 4..6).await;
        assert_eq!(received(&mut first), [Some(2), Some(3), Some(4), Some(5)]);
        assert_eq!(received(&mut second), [Some(4), Some(5)]);
    }

    #[tokio::test]
    async fn a_slow_listener_has_a_gap_and_harms_no_other() {
        let channel = channel();
        let (mut slow, mut quick) = (channel.listen(), channel.listen());
        for batch in 0..20 {
            send(&channel, batch * 100..batch * 100 + 100).await;
            assert_eq!(received(&mut quick).len(), 100);
        }
        let received = received(&mut slow);
        assert_eq!(
            (received[0], received[1], received.last()),
            (None, Some(2_000 - 1_024), Some(&Some(1_999)))
        );
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_decoded_is_skipped() {
        let broadcast = Arc::new(InProcess::new("notes", &BroadcastMetrics::default()));
        let channel = Channel::<Notes>::new(Arc::clone(&broadcast) as Arc<dyn Broadcast>);
        let mut listener = channel.listen();
        let mut stranger = crate::events::example::note(1, "hello");
        stranger.payload.type_name = "lab.example.v1.Other".into();
        broadcast.send(stranger).await.expect("it is taken");
        send(&channel, 2..3).await;
        assert_eq!(received(&mut listener), [Some(2)]);
    }
}
