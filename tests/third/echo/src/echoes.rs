//! The contract of the component `echoes`.

use async_trait::async_trait;
use contract::{Kind, RemoteError, Unavailable};
use serde::{Deserialize, Serialize};

/// Says again what it is told.
#[async_trait]
pub trait Echoes: Send + Sync {
    /// The same words, numbered. Every call takes a number.
    async fn echo(&self, said: Said) -> Result<Echoed, EchoError>;
}

/// Some words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The words.
    pub words: String,
}

/// The same words again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echoed {
    /// The words.
    pub words: String,
    /// How many echoes the process has made, this one included.
    pub number: u64,
}

/// The errors of echoes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum EchoError {
    /// The component did not respond.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl RemoteError for EchoError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unavailable(_) => Kind::Unavailable,
        }
    }
}
