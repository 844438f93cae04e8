//! The logic of the component `back`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Unavailable, Why};

use crate::{Crew, MAX_PARTS, Part, PartError, PartKey, Parts};

/// Makes parts, each a piece of work for its crew.
pub struct PartService {
    name: &'static str,
    crew: Arc<dyn Crew>,
}

impl PartService {
    /// The component of this name.
    pub fn new(name: &'static str, crew: Arc<dyn Crew>) -> Self {
        Self { name, crew }
    }

    async fn make(&self, key: PartKey) -> Result<Part, PartError> {
        if !(1..=MAX_PARTS).contains(&key.number) {
            return Err(PartError::NoSuchPart { number: key.number });
        }
        self.crew.work().await.map_err(|_| Unavailable::new(self.name, Why::Overloaded))?;
        Ok(Part::of(key))
    }
}

#[async_trait]
impl Parts for PartService {
    async fn read(&self, key: PartKey) -> Result<Part, PartError> {
        self.make(key).await
    }

    async fn preview(&self, key: PartKey) -> Result<Part, PartError> {
        self.make(key).await
    }
}

impl Part {
    /// The part of this key. Its text differs from that of every other key, so that a mix-up shows.
    pub fn of(key: PartKey) -> Self {
        Self { key, text: format!("part {} of page {}", key.number, key.page) }
    }
}
