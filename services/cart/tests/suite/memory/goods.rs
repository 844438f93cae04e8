//! Stock and vouchers in memory.

use async_trait::async_trait;
use cart::{
    CustomerId, Delivery, Issued, Level, MAX_STOCKED, Movement, OrderId, OrderedLine, Outcome, ProductId,
    Refusal, SagaReply, StockCommand, StockStore, UseChange, Voucher, VoucherAction, VoucherCode,
    VoucherCommand, VoucherStanding, VoucherStore, check_uses, ports::Received, stock_effect, stock_expiry,
    voucher_effect,
};
use contract::{Timestamp, Unavailable};

use super::{Memory, Tables};
use crate::stores::Message;

impl Tables {
    pub(super) fn level(&mut self, product: ProductId) -> &mut Level {
        let empty = Level { product, stocked: 0, reserved: 0, sold: 0, left: 0 };
        self.levels.entry(product).or_insert(empty)
    }

    /// Moves all lines, or none of them.
    fn move_goods(&mut self, lines: &[OrderedLine], movement: Movement) -> Outcome {
        for line in lines {
            let (product, wanted) = (line.product, u64::from(line.quantity.get()));
            let left = self.level(product).left;
            if matches!(movement, Movement::Reserve | Movement::SellUnreserved) && left < wanted {
                return Outcome::Refused(Refusal::OutOfStock { product, left });
            }
        }
        for line in lines {
            let pieces = u64::from(line.quantity.get());
            let Level { reserved, sold, left, .. } = self.level(line.product);
            let (from, to) = match movement {
                Movement::Stay => continue,
                Movement::Reserve => (left, reserved),
                Movement::Sell => (reserved, sold),
                Movement::SellUnreserved => (left, sold),
                Movement::Free => (reserved, left),
                Movement::TakeBack => (sold, left),
            };
            (*from, *to) = (from.checked_sub(pieces).unwrap(), *to + pieces);
        }
        Outcome::Done
    }

    pub(super) fn perform_stock(&mut self, order: OrderId, action: &cart::StockAction) -> Outcome {
        let effect = stock_effect(self.reservations.get(&order), action);
        let lines = effect.reservation.as_ref().map_or(&[][..], |reservation| &reservation.lines);
        let moved = self.move_goods(lines, effect.movement);
        if let (Outcome::Done, Some(reservation)) = (moved, effect.reservation) {
            self.reservations.insert(order, reservation);
        }
        if moved == Outcome::Done { effect.outcome } else { moved }
    }

    fn uses(&self, code: &VoucherCode, customer: Option<CustomerId>) -> u32 {
        let is_of = |redemption: &&cart::Redemption| {
            let is_used = |(used, by): &(VoucherCode, CustomerId)| {
                used == code && customer.is_none_or(|customer| customer == *by)
            };
            !redemption.is_restored && redemption.used.as_ref().is_some_and(is_used)
        };
        self.redemptions.values().filter(is_of).count() as u32
    }

    pub(super) fn perform_voucher(&mut self, order: OrderId, action: &VoucherAction) -> Outcome {
        let effect = voucher_effect(self.redemptions.get(&order), action);
        if let (UseChange::Use, VoucherAction::Redeem { code, customer }) = (effect.change, action) {
            let uses = (self.uses(code, None), self.uses(code, Some(*customer)));
            let checked = check_uses(self.vouchers.get(code), uses.0, uses.1);
            if checked != Outcome::Done {
                return checked;
            }
        }
        if let Some(redemption) = effect.redemption {
            self.redemptions.insert(order, redemption);
        }
        effect.outcome
    }

    /// Performs a command unless its id is in the inbox, and writes the reply to the outbox.
    fn once(
        &mut self,
        command: cart::CommandKey,
        now: Timestamp,
        perform: impl FnOnce(&mut Self) -> Outcome,
    ) -> SagaReply {
        let (outcome, performed) = match self.inbox.get(&command.id()) {
            Some(before) => *before,
            None => (perform(self), now),
        };
        self.inbox.insert(command.id(), (outcome, performed));
        let reply = SagaReply { command, outcome };
        self.outbox.push_back(Message::Reply(reply));
        reply
    }
}

#[async_trait]
impl StockStore for Memory {
    async fn receive(&self, delivery: &Delivery) -> Result<Received, Unavailable> {
        let mut tables = self.tables();
        if let Some(before) = tables.deliveries.get(&delivery.id).copied() {
            let level = *tables.level(delivery.product);
            return Ok(if before == *delivery { Received::In(level) } else { Received::Reused });
        }
        let level = tables.level(delivery.product);
        if level.stocked + delivery.quantity > MAX_STOCKED {
            return Ok(Received::TooMuch);
        }
        level.stocked += delivery.quantity;
        level.left += delivery.quantity;
        let level = *level;
        tables.deliveries.insert(delivery.id, *delivery);
        Ok(Received::In(level))
    }

    async fn levels(&self, products: &[ProductId]) -> Result<Vec<Level>, Unavailable> {
        let mut tables = self.tables();
        Ok(products.iter().map(|product| *tables.level(*product)).collect())
    }

    async fn perform(&self, command: &StockCommand, now: Timestamp) -> Result<SagaReply, Unavailable> {
        let order = command.key.order;
        Ok(self.tables().once(command.key, now, |tables| tables.perform_stock(order, &command.action)))
    }

    async fn expire(&self, now: Timestamp, most: u32) -> Result<u32, Unavailable> {
        let mut tables = self.tables();
        let expiry =
            |(order, noted): (&OrderId, &cart::Reservation)| Some((*order, stock_expiry(noted, now)?));
        let ended: Vec<_> = tables.reservations.iter().filter_map(expiry).take(most as usize).collect();
        for (order, effect) in &ended {
            let reservation = effect.reservation.clone().unwrap();
            assert_eq!(tables.move_goods(&reservation.lines, effect.movement), Outcome::Done);
            tables.reservations.insert(*order, reservation);
        }
        Ok(ended.len() as u32)
    }

    async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable> {
        Ok(self.forget_commands(performed_before, most))
    }
}

#[async_trait]
impl VoucherStore for Memory {
    async fn insert(&self, voucher: &Voucher) -> Result<Issued, Unavailable> {
        let mut tables = self.tables();
        if let Some(other) = tables.vouchers.get(&voucher.code) {
            return Ok(Issued::Exists(other.clone()));
        }
        tables.vouchers.insert(voucher.code.clone(), voucher.clone());
        Ok(Issued::Stored)
    }

    async fn find(&self, code: &VoucherCode) -> Result<Option<VoucherStanding>, Unavailable> {
        let tables = self.tables();
        let standing =
            |voucher: &Voucher| VoucherStanding { voucher: voucher.clone(), used: tables.uses(code, None) };
        Ok(tables.vouchers.get(code).map(standing))
    }

    async fn perform(&self, command: &VoucherCommand, now: Timestamp) -> Result<SagaReply, Unavailable> {
        let order = command.key.order;
        Ok(self.tables().once(command.key, now, |tables| tables.perform_voucher(order, &command.action)))
    }

    async fn forget(&self, performed_before: Timestamp, most: u32) -> Result<u64, Unavailable> {
        Ok(self.forget_commands(performed_before, most))
    }
}
