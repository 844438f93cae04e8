//! The logic of the component `links`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Clock, Unavailable, Why};

use crate::{
    Code, CodeSource, Inserted, Link, LinkError, LinkId, LinkStore, Links, NewLink, Removed, Shorten,
};

/// Codes that are tried for one link; with few codes in use, two suffice.
const ATTEMPTS: u32 = 8;

/// Shortens, resolves and removes links.
pub struct LinkService {
    store: Arc<dyn LinkStore>,
    codes: Arc<dyn CodeSource>,
    clock: Arc<dyn Clock>,
    ids: Box<dyn Fn() -> LinkId + Send + Sync>,
}

impl LinkService {
    /// Creates the service on a store, a source of codes, a clock, and a source of unique ids.
    pub fn new(
        store: Arc<dyn LinkStore>,
        codes: Arc<dyn CodeSource>,
        clock: Arc<dyn Clock>,
        ids: impl Fn() -> LinkId + Send + Sync + 'static,
    ) -> Self {
        Self { store, codes, clock, ids: Box::new(ids) }
    }

    fn validate(request: &Shorten) -> Result<(), LinkError> {
        if let Some(alias) = request.alias.as_ref().filter(|alias| alias.is_reserved()) {
            return Err(LinkError::AliasReserved { alias: alias.clone() });
        }
        Ok(())
    }

    async fn insert(&self, request: &Shorten, code: Code) -> Result<(Link, Inserted), LinkError> {
        let link = Link {
            id: (self.ids)(),
            code,
            target: request.target.clone(),
            created_at: self.clock.now(),
            expires_at: request.expires_at,
        };
        let new = NewLink { link: link.clone(), key: request.key.clone(), aliased: request.alias.is_some() };
        Ok((link, self.store.insert(new).await?))
    }

    /// The result for a request whose key has made a link before: that link, or an error if the request
    /// differs.
    fn replayed(request: &Shorten, before: NewLink) -> Result<Link, LinkError> {
        let Shorten { target, alias, expires_at, key: _ } = request;
        let NewLink { link, key: _, aliased } = before;
        let same = link.target == *target
            && link.expires_at == *expires_at
            && alias.as_ref() == aliased.then_some(&link.code);
        if same { Ok(link) } else { Err(LinkError::KeyReused) }
    }

    /// The result of an insert; `None` if the code is taken and another one may be tried.
    fn settle(request: &Shorten, made: Link, inserted: Inserted) -> Option<Result<Link, LinkError>> {
        match inserted {
            Inserted::Stored => Some(Ok(made)),
            Inserted::Replayed(before) => Some(Self::replayed(request, before)),
            Inserted::CodeTaken => request.alias.clone().map(|alias| Err(LinkError::AliasTaken { alias })),
        }
    }
}

#[async_trait]
impl Links for LinkService {
    async fn shorten(&self, request: Shorten) -> Result<Link, LinkError> {
        Self::validate(&request)?;
        if request.expires_at.is_some_and(|end| end <= self.clock.now()) {
            // The link of a retried request may have expired in the meantime.
            let before = self.store.made_by(&request.key).await?;
            return before.map_or(Err(LinkError::ExpiryInThePast), |before| Self::replayed(&request, before));
        }
        for attempt in 0..ATTEMPTS {
            let code = match &request.alias {
                Some(alias) => alias.clone(),
                None => self.codes.code_for(&request, attempt).await?,
            };
            let (made, inserted) = self.insert(&request, code).await?;
            if let Some(settled) = Self::settle(&request, made, inserted) {
                return settled;
            }
        }
        Err(Unavailable::new("links", Why::Broken).into())
    }

    async fn resolve(&self, code: Code) -> Result<Link, LinkError> {
        match self.store.find(&code).await? {
            // Checked on every read, so that a cached link does not outlive its expiry.
            Some(link) if link.has_expired(self.clock.now()) => Err(LinkError::Expired { code }),
            Some(link) => Ok(link),
            None => Err(LinkError::NotFound { code }),
        }
    }

    async fn remove(&self, code: Code) -> Result<Removed, LinkError> {
        self.store.remove(&code).await?;
        Ok(Removed)
    }
}
