//! The messages of the public API in gRPC.

use cart::{
    ApplyVoucher, Cart, CartId, ChangeLine, CheckedOut, Checkout, Cursor, Levels, OpenCart, Order, OrderId,
    Product, ProductId, ProductIds, ProductPage, ProductQuery,
};
use remote::{Codec, Malformed, Many, Optional, Required, Uuid};

use super::values::{Number, VersionNumber};
use crate::{
    cursor::{cursor, cursor_text},
    remotes::proto::shop::v1 as proto,
};

remote::messages! { proto:
    ProductQuery as ListProductsRequest { search, after by Optional<CursorText>, limit }
    ProductPage as ListProductsResponse { products by Many, next by Optional<CursorText> }
    ProductId as GetProductRequest.id by Uuid;
    Product as GetProductResponse.product by Required;
    ProductIds as GetStockRequest { 0 as product_ids by Many<Uuid> }
    Levels as GetStockResponse { 0 as levels by Many }
    OpenCart as OpenCartRequest { id by Uuid, customer as customer_id by Uuid }
    Cart as OpenCartResponse.cart by Required;
    CartId as GetCartRequest.id by Uuid;
    Cart as GetCartResponse.cart by Required;
    ChangeLine as SetLineRequest {
        cart as cart_id by Uuid,
        expected as version by VersionNumber,
        product as product_id by Uuid,
        quantity by Optional,
        seen_price as price by Required,
    }
    Cart as SetLineResponse.cart by Required;
    ApplyVoucher as SetVoucherRequest {
        cart as cart_id by Uuid,
        expected as version by VersionNumber,
        code by Optional,
    }
    Cart as SetVoucherResponse.cart by Required;
    Checkout as CheckOutRequest {
        key,
        cart as cart_id by Uuid,
        version by VersionNumber,
        expected_total as total by Required,
        token,
    }
    CheckedOut as CheckOutResponse { order as order_id by Uuid, status by Number, total by Required }
    OrderId as GetOrderRequest.id by Uuid;
    Order as GetOrderResponse.order by Required;
    OrderId as CancelOrderRequest.id by Uuid;
    Order as CancelOrderResponse.order by Required;
}

/// Encodes a cursor as the text that the resources show.
struct CursorText;

impl Codec<Cursor, String> for CursorText {
    fn write(after: Cursor) -> String {
        cursor_text(&after)
    }

    fn read(field: &'static str, text: String) -> Result<Cursor, Malformed> {
        cursor(&text).ok_or_else(|| Malformed::new(field, "give the `next` of a page"))
    }
}
