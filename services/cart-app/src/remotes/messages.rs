//! The mapping between protobuf messages and the contracts' types.

mod commands;
mod orders;
mod payments;
mod shop;
mod values;

use cart::{
    ApplyVoucher, Cart, CartId, CartLine, ChangeLine, ClearCart, Cursor, Delivery, Discount, Level, Levels,
    Notice, NoticeList, Offered, OpenCart, OrderEvent, OrderId, Product, ProductIds, ProductPage,
    ProductQuery, Products, SagaReply, StockCommand, Told, Voucher, VoucherCode, VoucherCommand,
    VoucherStanding,
};
use remote::{Malformed, Many, Optional, Required, UnixMillis, Uuid};
use values::{VersionNumber, amount, percent};

use super::proto::{
    carts::v1 as carts, catalog::v1 as catalog, notices::v1 as notices, stock::v1 as stock,
    vouchers::v1 as vouchers,
};

remote::messages! { catalog:
    ProductQuery as ListRequest { search, after by Optional, limit }
    ProductPage as ListResponse { products by Many, next by Optional }
    ProductIds as ProductsRequest.ids by Required;
    Products as ProductsResponse { 0 as products by Many }
    Product as OfferRequest.product by Required;
    Offered as OfferResponse {}
    Product as Product { id by Uuid, name, price by Required }
    Cursor as Cursor { name, id by Uuid }
}

remote::messages! { carts:
    OpenCart as OpenRequest { id by Uuid, customer as customer_id by Uuid }
    Cart as OpenResponse.cart by Required;
    CartId as CartRequest.id by Uuid;
    Cart as CartResponse.cart by Required;
    ChangeLine as ChangeRequest {
        cart as cart_id by Uuid,
        expected by VersionNumber,
        product as product_id by Uuid,
        quantity by Optional,
        seen_price by Required,
    }
    Cart as ChangeResponse.cart by Required;
    ApplyVoucher as ApplyRequest { cart as cart_id by Uuid, expected by VersionNumber, code by Optional }
    Cart as ApplyResponse.cart by Required;
    ClearCart as ClearRequest { cart as cart_id by Uuid, order as order_id by Uuid, lines by Many }
    Cart as ClearResponse.cart by Required;
    Cart as Cart {
        id by Uuid,
        customer as customer_id by Uuid,
        version by VersionNumber,
        lines by Many,
        voucher by Optional,
        ordered as ordered_ids by Many<Uuid>,
    }
    CartLine as CartLine { product as product_id by Uuid, quantity, seen_price by Required }
}

remote::messages! { stock:
    Delivery as ReceiveRequest { id by Uuid, product as product_id by Uuid, quantity }
    Level as ReceiveResponse.level by Required;
    ProductIds as LevelsRequest.ids by Required;
    Levels as LevelsResponse { 0 as levels by Many }
    StockCommand as PerformRequest.command by Required;
    SagaReply as PerformResponse.reply by Required;
    Level as Level { product as product_id by Uuid, stocked, reserved, sold, left }
}

remote::messages! { vouchers:
    Voucher as IssueRequest.voucher by Required;
    Voucher as IssueResponse.voucher by Required;
    VoucherCode as VoucherRequest.code;
    VoucherStanding as VoucherResponse { voucher by Required, used }
    VoucherCommand as PerformRequest.command by Required;
    SagaReply as PerformResponse.reply by Required;
}

remote::messages! { notices:
    OrderEvent as TellRequest.event by Required;
    Told as TellResponse {}
    OrderId as ToldRequest.order_id by Uuid;
    NoticeList as ToldResponse { 0 as notices by Many }
    Notice as Notice {
        event as event_id by Uuid,
        order as order_id by Uuid,
        customer as customer_id by Uuid,
        text,
        at as at_ms by UnixMillis,
    }
}

impl From<Voucher> for vouchers::Voucher {
    fn from(voucher: Voucher) -> Self {
        let Voucher { code, discount, uses, uses_by_customer } = voucher;
        let discount = match discount {
            Discount::Percent(percent) => vouchers::voucher::Discount::Percent(percent.into()),
            Discount::Amount(amount) => vouchers::voucher::Discount::Amount(amount.into()),
        };
        Self { code: code.into(), discount: Some(discount), uses, uses_by_customer }
    }
}

impl TryFrom<vouchers::Voucher> for Voucher {
    type Error = Malformed;

    fn try_from(message: vouchers::Voucher) -> Result<Self, Malformed> {
        let discount = match Malformed::required("discount", message.discount)? {
            vouchers::voucher::Discount::Percent(number) => Discount::Percent(percent(number)?),
            vouchers::voucher::Discount::Amount(money) => Discount::Amount(amount("amount", money)?),
        };
        Ok(Self {
            code: Malformed::field("code", VoucherCode::try_from(message.code))?,
            discount,
            uses: message.uses,
            uses_by_customer: message.uses_by_customer,
        })
    }
}

#[cfg(test)]
mod tests;
