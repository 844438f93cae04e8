//! The queries, and the types of objects.

use std::sync::Arc;

use async_graphql::{
    Context, Enum, ID, InputValueError, InputValueResult, Object, Result, Scalar, ScalarType, SimpleObject,
    Value,
};
use cart::{
    Cart, CartId, CartLine, Level, Order, OrderId, OrderLine, Product, ProductId, ProductQuery, Status,
};
use runtime::edge::Problem;

use super::{
    super::{
        Parts,
        parameters::{cursor, cursor_text},
        problems::{of_carts, of_catalog, of_orders, slug},
    },
    Fault,
    loaders::Loaders,
};

/// Products of a page, if a client does not say how many.
const PAGE: i32 = 20;
/// How many lines a cart or an order is taken to have when a query is costed.
const USUAL_LINES: usize = 10;

/// A whole number of 64 bits, as a number of JSON: `Int` has 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Whole(pub(super) i64);

#[Scalar(name = "Whole")]
impl ScalarType for Whole {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::Number(number) => {
                number.as_i64().map(Self).ok_or_else(|| InputValueError::custom("a whole number of 64 bits"))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::from(self.0)
    }
}

/// An amount of money, in minor units.
#[derive(Clone, SimpleObject)]
pub(super) struct Money {
    minor: Whole,
    currency: String,
}

impl From<cart::Money> for Money {
    fn from(money: cart::Money) -> Self {
        Self { minor: Whole(money.minor), currency: money.currency.to_string() }
    }
}

/// What a client asks for.
pub(super) struct Root;

#[Object(name = "Query")]
impl Root {
    /// The product with this id; null if it does not exist.
    async fn product(&self, context: &Context<'_>, id: ID) -> Result<Option<ProductNode>> {
        let id = parsed("id", ProductId::parse(&id))?;
        product(context, id).await
    }

    /// A page of the products whose names contain the search, by name.
    #[graphql(complexity = "1 + first.unwrap_or(20).clamp(1, 100) as usize * child_complexity")]
    async fn products(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "A part of their names, in any case")] search: Option<String>,
        #[graphql(desc = "The `next` of the page before")] after: Option<String>,
        #[graphql(desc = "The most products, 1 to 100")] first: Option<i32>,
    ) -> Result<ProductPage> {
        let no_cursor = || fault("invalid-after", "`after`: give the `next` of a page");
        let after = after.map(|text| cursor(&text).ok_or_else(no_cursor)).transpose()?;
        // A number below zero is none that the catalogue accepts.
        let limit = u32::try_from(first.unwrap_or(PAGE)).unwrap_or(0);
        let query = ProductQuery { search: search.unwrap_or_default(), after, limit };
        let page = parts(context)?.catalog.list(query).await.map_err(of_catalog).map_err(Fault::from)?;
        let products = page.products.into_iter().map(ProductNode).collect();
        Ok(ProductPage { products, next: page.next.as_ref().map(cursor_text) })
    }

    /// The cart with this id; null if it does not exist.
    async fn cart(&self, context: &Context<'_>, id: ID) -> Result<Option<CartNode>> {
        let id = parsed("id", CartId::parse(&id))?;
        match parts(context)?.carts.cart(id).await {
            Ok(cart) => Ok(Some(CartNode(cart))),
            Err(cart::CartError::NotFound { .. }) => Ok(None),
            Err(error) => Err(Fault::from(of_carts(error)).into()),
        }
    }

    /// The order with this id; null if it does not exist.
    async fn order(&self, context: &Context<'_>, id: ID) -> Result<Option<OrderNode>> {
        let id = parsed("id", OrderId::parse(&id))?;
        match parts(context)?.orders.order(id).await {
            Ok(order) => Ok(Some(OrderNode(order))),
            Err(cart::OrderError::NotFound { .. }) => Ok(None),
            Err(error) => Err(Fault::from(of_orders(error)).into()),
        }
    }
}

/// A page of products.
#[derive(SimpleObject)]
struct ProductPage {
    products: Vec<ProductNode>,
    /// Where the next page begins; null after the last product.
    next: Option<String>,
}

/// A product.
struct ProductNode(Product);

#[Object(name = "Product")]
impl ProductNode {
    async fn id(&self) -> ID {
        shown(&self.0.id)
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The price of one.
    async fn price(&self) -> Money {
        self.0.price.into()
    }

    /// Where its goods are.
    async fn stock(&self, context: &Context<'_>) -> Result<Stock> {
        let level = context.data::<Loaders>()?.levels.load_one(self.0.id).await?;
        let nothing = Level { product: self.0.id, stocked: 0, reserved: 0, sold: 0, left: 0 };
        Ok(level.unwrap_or(nothing).into())
    }
}

/// Where the goods of a product are: sold + reserved + left = stocked.
#[derive(SimpleObject)]
struct Stock {
    stocked: Whole,
    /// Kept for orders that are not paid yet.
    reserved: Whole,
    sold: Whole,
    /// Free.
    left: Whole,
}

impl From<Level> for Stock {
    fn from(level: Level) -> Self {
        let whole = |pieces: u64| Whole(i64::try_from(pieces).unwrap_or(i64::MAX));
        let Level { stocked, reserved, sold, left, .. } = level;
        Self { stocked: whole(stocked), reserved: whole(reserved), sold: whole(sold), left: whole(left) }
    }
}

/// A cart.
pub(super) struct CartNode(pub(super) Cart);

#[Object(name = "Cart")]
impl CartNode {
    async fn id(&self) -> ID {
        shown(&self.0.id)
    }

    /// Whose it is.
    async fn customer(&self) -> ID {
        shown(&self.0.customer)
    }

    /// It grows with each change; a change says on which it is based.
    async fn version(&self) -> Whole {
        Whole(i64::try_from(self.0.version.0).unwrap_or(i64::MAX))
    }

    #[graphql(complexity = "USUAL_LINES * child_complexity")]
    async fn lines(&self) -> Vec<CartLineNode> {
        self.0.lines.iter().copied().map(CartLineNode).collect()
    }

    async fn voucher(&self) -> Option<&str> {
        self.0.voucher.as_ref().map(cart::VoucherCode::as_str)
    }
}

/// A line of a cart.
struct CartLineNode(CartLine);

#[Object(name = "CartLine")]
impl CartLineNode {
    /// The product; null if it is not offered any more.
    async fn product(&self, context: &Context<'_>) -> Result<Option<ProductNode>> {
        product(context, self.0.product).await
    }

    async fn quantity(&self) -> u32 {
        self.0.quantity.get()
    }

    /// The price of one when it was put in; an order takes the current one.
    async fn seen_price(&self) -> Money {
        self.0.seen_price.into()
    }
}

/// An order.
pub(super) struct OrderNode(pub(super) Order);

#[Object(name = "Order")]
impl OrderNode {
    async fn id(&self) -> ID {
        shown(&self.0.id)
    }

    async fn status(&self) -> OrderStatus {
        self.0.status.into()
    }

    /// Why it was cancelled.
    async fn reason(&self) -> Option<&'static str> {
        self.0.reason.as_ref().map(slug)
    }

    #[graphql(complexity = "USUAL_LINES * child_complexity")]
    async fn lines(&self) -> Vec<OrderLineNode> {
        self.0.lines.iter().copied().map(OrderLineNode).collect()
    }

    async fn voucher(&self) -> Option<&str> {
        self.0.voucher.as_ref().map(cart::VoucherCode::as_str)
    }

    /// What it costs: the sum of its lines.
    async fn total(&self) -> Money {
        self.0.total.into()
    }
}

/// A line of an order, at the price at which it was made.
struct OrderLineNode(OrderLine);

#[Object(name = "OrderLine")]
impl OrderLineNode {
    /// The product; null if it is not offered any more.
    async fn product(&self, context: &Context<'_>) -> Result<Option<ProductNode>> {
        product(context, self.0.product).await
    }

    async fn quantity(&self) -> u32 {
        self.0.quantity.get()
    }

    /// The price of one.
    async fn price(&self) -> Money {
        self.0.price.into()
    }

    /// The line's share of the discount, rounded half to even.
    async fn discount(&self) -> Money {
        self.0.discount.into()
    }

    /// The price of all of them, less the discount.
    async fn net(&self) -> Money {
        self.0.net.into()
    }
}

/// How far an order is.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum OrderStatus {
    /// The checkout is in progress.
    Pending,
    /// The money is held.
    Placed,
    /// The money was taken.
    Paid,
    /// The goods are on their way.
    Shipped,
    /// Nothing is delivered, and all money is given back.
    Cancelled,
}

impl From<Status> for OrderStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Placed => Self::Placed,
            Status::Paid => Self::Paid,
            Status::Shipped => Self::Shipped,
            Status::Cancelled => Self::Cancelled,
        }
    }
}

/// The components of the shop.
pub(super) fn parts<'c>(context: &Context<'c>) -> Result<&'c Arc<Parts>> {
    context.data::<Arc<Parts>>()
}

/// A value of an argument, or the fault that it is none.
pub(super) fn parsed<T, E: std::error::Error>(argument: &str, value: Result<T, E>) -> Result<T, Fault> {
    value.map_err(|error| Problem::invalid(argument, &error).into())
}

pub(super) fn fault(code: &str, detail: &str) -> Fault {
    Fault { code: code.into(), detail: detail.into(), members: None }
}

fn shown(id: &impl ToString) -> ID {
    ID(id.to_string())
}

async fn product(context: &Context<'_>, id: ProductId) -> Result<Option<ProductNode>> {
    Ok(context.data::<Loaders>()?.products.load_one(id).await?.map(ProductNode))
}
