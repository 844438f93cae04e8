//! In the request: an event has been published when every consumer group has processed it.
//!
//! There are no dead letters: the publisher gets the error, so nothing was acknowledged that could be lost.

use async_trait::async_trait;
use contract::Unavailable;
use prometheus_client::metrics::counter::Counter;

use super::{event::Event, group::Group, publisher::Publisher, subscriber::Batching};

/// Has each group process each event, one group after the other.
pub struct Inline {
    groups: Vec<Group>,
    published: Counter,
}

impl Inline {
    /// Creates a publisher for these groups.
    pub fn new(groups: Vec<Group>, published: Counter) -> Self {
        Self { groups, published }
    }
}

#[async_trait]
impl Publisher for Inline {
    /// After an error some groups may have processed the event. They are idempotent, so it may be published again.
    async fn publish(&self, event: Event) -> Result<(), Unavailable> {
        self.published.inc();
        let event = [event];
        for group in &self.groups {
            group.receive(&event, Batching::Fixed).await?;
        }
        Ok(())
    }

    /// Always zero: the publisher has waited.
    async fn pending(&self) -> Result<u64, Unavailable> {
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use contract::Why;

    use super::*;
    use crate::events::example::{Reader, note};

    #[tokio::test]
    async fn an_event_is_published_when_every_group_has_processed_it() {
        let (one, other) = (Arc::new(Reader::default()), Arc::new(Reader::default()));
        let inline = Inline::new(vec![one.group(), other.group()], Counter::default());
        inline.publish(note(1, "hello")).await.expect("both take it");
        assert_eq!((one.taken(), other.taken()), (vec![1], vec![1]));
        other.fails("hello", Why::Broken);
        let refused = inline.publish(note(2, "hello")).await;
        assert_eq!(refused, Err(Unavailable::new("readers", Why::Broken)), "the publisher gets the error");
        other.recovers();
        inline.publish(note(2, "hello")).await.expect("both take it");
        assert_eq!((one.taken(), other.taken()), (vec![1, 2, 2], vec![1, 2]), "the first of them twice");
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_decoded_is_refused() {
        let reader = Arc::new(Reader::default());
        let inline = Inline::new(vec![reader.group()], Counter::default());
        let mut event = note(1, "hello");
        event.payload.type_name = "lab.example.v1.Other".into();
        assert_eq!(inline.publish(event).await, Err(Unavailable::new("notes.readers", Why::Misunderstood)));
        assert_eq!(reader.calls(), 0);
    }
}
