//! The logic of the component `echoes`.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use crate::{EchoError, Echoed, Echoes, Said};

/// Echoes, and numbers its echoes.
#[derive(Debug, Default)]
pub struct EchoService {
    made: AtomicU64,
}

#[async_trait]
impl Echoes for EchoService {
    async fn echo(&self, said: Said) -> Result<Echoed, EchoError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Echoed { words: said.words, number })
    }
}
