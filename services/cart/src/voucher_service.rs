//! The logic of the component `vouchers`.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{Clock, Unavailable};

use crate::{
    Discount, Issued, MAX_PRICE, MAX_USES, SagaReply, Voucher, VoucherCode, VoucherCommand, VoucherError,
    VoucherStanding, VoucherStore, Vouchers,
    ports::{MOST_FORGOTTEN, kept_since},
};

/// Issues vouchers and keeps them within their limits.
pub struct VoucherService {
    store: Arc<dyn VoucherStore>,
    clock: Arc<dyn Clock>,
}

impl VoucherService {
    /// Creates the service on a store and a clock.
    pub fn new(store: Arc<dyn VoucherStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Deletes some of the commands that were performed so long ago that none comes again; returns how many. To be called
    /// now and then, by any number of processes.
    pub async fn forget(&self) -> Result<u64, Unavailable> {
        self.store.forget(kept_since(self.clock.now()), MOST_FORGOTTEN).await
    }
}

#[async_trait]
impl Vouchers for VoucherService {
    async fn issue(&self, voucher: Voucher) -> Result<Voucher, VoucherError> {
        let limits = [voucher.uses, voucher.uses_by_customer];
        if !limits.iter().all(|uses| (1..=MAX_USES).contains(uses)) {
            return Err(VoucherError::Uses);
        }
        if matches!(voucher.discount, Discount::Amount(amount) if !(1..=MAX_PRICE).contains(&amount.minor)) {
            return Err(VoucherError::Discount);
        }
        match self.store.insert(&voucher).await? {
            Issued::Exists(other) if other != voucher => Err(VoucherError::Taken { code: voucher.code }),
            Issued::Exists(_) | Issued::Stored => Ok(voucher),
        }
    }

    async fn voucher(&self, code: VoucherCode) -> Result<VoucherStanding, VoucherError> {
        self.store.find(&code).await?.ok_or(VoucherError::NotFound { code })
    }

    async fn perform(&self, command: VoucherCommand) -> Result<SagaReply, VoucherError> {
        Ok(self.store.perform(&command, self.clock.now()).await?)
    }
}
