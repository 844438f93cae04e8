//! The mutations.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use cart::{
    CartId, ChangeLine, CheckedOut, Checkout, Currency, CustomerId, OpenCart, OrderId, PaymentToken,
    ProductId, Quantity, RequestKey, Version,
};

use super::{
    super::problems::{of_carts, of_orders},
    Fault,
    objects::{CartNode, Money, OrderNode, OrderStatus, Whole, fault, parsed, parts},
};

/// An amount of money, in minor units.
#[derive(InputObject)]
struct MoneyInput {
    minor: Whole,
    currency: String,
}

impl MoneyInput {
    fn parse(&self) -> Result<cart::Money, Fault> {
        Ok(cart::Money::new(self.minor.0, parsed("currency", Currency::parse(&self.currency))?))
    }
}

/// An order that was made.
#[derive(SimpleObject)]
struct CheckoutDone {
    /// The order's id.
    order: ID,
    /// How far it was when the checkout was answered.
    status: OrderStatus,
    /// What it costs.
    total: Money,
}

/// What a client does.
pub(super) struct Changes;

#[Object(name = "Mutation")]
impl Changes {
    /// Opens a cart; one that is open already is shown as it is.
    async fn open_cart(&self, context: &Context<'_>, id: ID, customer: ID) -> Result<CartNode> {
        let open = OpenCart {
            id: parsed("id", CartId::parse(&id))?,
            customer: parsed("customer", CustomerId::parse(&customer))?,
        };
        let opened = parts(context)?.carts.open(open).await;
        Ok(CartNode(opened.map_err(of_carts).map_err(Fault::from)?))
    }

    /// Sets how many of a product a cart has; without a quantity it is taken out.
    async fn set_line(
        &self,
        context: &Context<'_>,
        cart: ID,
        #[graphql(desc = "The version of the cart that the change is based on")] version: Whole,
        product: ID,
        quantity: Option<u32>,
        #[graphql(desc = "The price that the customer saw")] price: MoneyInput,
    ) -> Result<CartNode> {
        let change = ChangeLine {
            cart: parsed("cart", CartId::parse(&cart))?,
            expected: expected(version)?,
            product: parsed("product", ProductId::parse(&product))?,
            quantity: quantity.map(|many| parsed("quantity", Quantity::new(many))).transpose()?,
            seen_price: price.parse()?,
        };
        let changed = parts(context)?.carts.change(change).await;
        Ok(CartNode(changed.map_err(of_carts).map_err(Fault::from)?))
    }

    /// Makes an order of a cart, once for each key.
    async fn checkout(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The idempotency key: with the same one the first reply is repeated")] key: String,
        cart: ID,
        version: Whole,
        #[graphql(desc = "What the customer agreed to pay")] total: MoneyInput,
        #[graphql(desc = "What stands for the card")] token: String,
    ) -> Result<CheckoutDone> {
        let checkout = Checkout {
            key: parsed("key", RequestKey::parse(key))?,
            cart: parsed("cart", CartId::parse(&cart))?,
            version: expected(version)?,
            expected_total: total.parse()?,
            token: parsed("token", PaymentToken::parse(token))?,
        };
        let done = parts(context)?.orders.checkout(checkout).await;
        let CheckedOut { order, status, total } = done.map_err(of_orders).map_err(Fault::from)?;
        Ok(CheckoutDone { order: ID(order.to_string()), status: status.into(), total: total.into() })
    }

    /// Cancels an order that was not shipped: its money is given back.
    async fn cancel_order(&self, context: &Context<'_>, id: ID) -> Result<OrderNode> {
        let id = parsed("id", OrderId::parse(&id))?;
        let cancelled = parts(context)?.orders.cancel(id).await;
        Ok(OrderNode(cancelled.map_err(of_orders).map_err(Fault::from)?))
    }
}

fn expected(version: Whole) -> Result<Version, Fault> {
    let version = u64::try_from(version.0);
    version.map(Version).map_err(|_| fault("invalid-version", "`version`: a version is 0 or more"))
}
