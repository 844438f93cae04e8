//! The links of a proxy by their names.

use std::sync::Arc;

use crate::{
    fault::{Fault, InvalidFault},
    link::{Link, LinkState},
};

/// All links of a proxy; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Links(Arc<[Arc<Link>]>);

/// Why faults were not set.
#[derive(Debug, thiserror::Error)]
pub enum SetFaultsError {
    /// There is no link with this name.
    #[error("there is no link `{name}`\nhint: there is `{}`", known.join("`, `"))]
    Unknown {
        /// The name.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The faults cannot be put on a link.
    #[error(transparent)]
    Invalid(#[from] InvalidFault),
}

impl Links {
    pub(crate) fn new(links: impl IntoIterator<Item = Arc<Link>>) -> Self {
        Self(links.into_iter().collect())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Link>> {
        self.0.iter()
    }

    /// Replaces the faults of a link.
    pub(crate) fn set_faults(&self, name: &str, faults: &[Fault]) -> Result<(), SetFaultsError> {
        Ok(self.named(name)?.set_faults(faults)?)
    }

    /// Each link at this moment.
    pub(crate) fn states(&self) -> Vec<LinkState> {
        self.iter().map(|link| link.state()).collect()
    }

    /// The link with a name.
    pub(crate) fn named(&self, name: &str) -> Result<&Arc<Link>, SetFaultsError> {
        self.iter().find(|link| link.name == name).ok_or_else(|| SetFaultsError::Unknown {
            name: name.to_owned(),
            known: self.iter().map(|link| link.name.clone()).collect(),
        })
    }
}
