//! The logic of the components `front` and `middle`: a little work of their own, and a call.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Unavailable, Why};

use crate::{Crew, Part, PartError, PartKey, Parts};

/// Gives the parts that another component gives.
///
/// The work comes first and ends before the call: a slow callee holds no worker here.
pub struct PassService {
    name: &'static str,
    crew: Arc<dyn Crew>,
    next: Arc<dyn Parts>,
}

impl PassService {
    /// The component of this name, which asks `next`.
    pub fn new(name: &'static str, crew: Arc<dyn Crew>, next: Arc<dyn Parts>) -> Self {
        Self { name, crew, next }
    }

    async fn work(&self) -> Result<(), Unavailable> {
        self.crew.work().await.map_err(|_| Unavailable::new(self.name, Why::Overloaded))
    }
}

#[async_trait]
impl Parts for PassService {
    async fn read(&self, key: PartKey) -> Result<Part, PartError> {
        self.work().await?;
        self.next.read(key).await
    }

    async fn preview(&self, key: PartKey) -> Result<Part, PartError> {
        self.work().await?;
        self.next.preview(key).await
    }
}
