//! Products, and the goods that there are of them.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::request::Parts as Head,
};
use cart::{Delivery, Level, Product, ProductId, ProductIds, ProductQuery};
use runtime::edge::{
    JsonBody, Problem,
    parameters::{limit, query_parameter},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, PartialSchema as _, ToSchema};

use super::{
    MAX_BODY_BYTES, Parts,
    body::{MoneyAsked, MoneyShown},
    parameters::{ByDelivery, ByProduct, OfProducts, cursor, cursor_text, invalid_after},
    problems::{of_catalog, of_stock},
    schemas,
    whole::Whole,
};

/// Products of a page, if a client does not say how many.
const PAGE: u32 = 20;

/// A product.
#[derive(Serialize, ToSchema)]
pub(super) struct ProductShown {
    #[schema(schema_with = schemas::Id::schema)]
    id: String,
    #[schema(schema_with = schemas::Name::schema)]
    name: String,
    /// The price of one.
    price: MoneyShown,
}

impl From<Product> for ProductShown {
    fn from(product: Product) -> Self {
        Self { id: product.id.to_string(), name: product.name, price: product.price.into() }
    }
}

/// A page of products, by their names.
#[derive(Serialize, ToSchema)]
pub(super) struct ProductsShown {
    products: Vec<ProductShown>,
    #[schema(schema_with = schemas::Next::schema)]
    next: Option<String>,
}

/// Which products to list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the fields describe the parameters, and the query is what is read of them")]
pub(super) struct Listed {
    #[param(schema_with = schemas::Search::schema)]
    search: Option<String>,
    #[param(schema_with = schemas::After::schema)]
    after: Option<String>,
    #[param(schema_with = schemas::ProductLimit::schema)]
    limit: Option<u32>,
}

/// What [`Listed`] describes.
pub(super) struct Query(ProductQuery);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(head: &mut Head, _: &S) -> Result<Self, Problem> {
        let search = query_parameter(head, "search")?.unwrap_or_default();
        let after = query_parameter(head, "after")?.map(|text| cursor(&text).ok_or_else(invalid_after));
        let limit = limit(head, PAGE, cart::MAX_PRODUCTS as u32)?;
        Ok(Self(ProductQuery { search, after: after.transpose()?, limit }))
    }
}

/// Lists products.
#[utoipa::path(get, path = "/products", params(Listed), responses(
    Problem,
    (status = 200, description = "A page of products", body = ProductsShown),
    (status = 422, description = "A parameter is not acceptable"),
))]
pub(super) async fn list(
    State(shop): State<Arc<Parts>>,
    Query(query): Query,
) -> Result<Json<ProductsShown>, Problem> {
    let page = shop.catalog.list(query).await.map_err(of_catalog)?;
    let products = page.products.into_iter().map(ProductShown::from).collect();
    Ok(Json(ProductsShown { products, next: page.next.as_ref().map(cursor_text) }))
}

/// Shows a product.
#[utoipa::path(get, path = "/products/{product}", params(ByProduct), responses(
    Problem,
    (status = 200, description = "The product", body = ProductShown),
    (status = 404, description = "There is no such product"),
))]
pub(super) async fn show(
    State(shop): State<Arc<Parts>>,
    ByProduct(id): ByProduct,
) -> Result<Json<ProductShown>, Problem> {
    found(&shop, id).await.map(|product| Json(product.into()))
}

/// The product with this id.
pub(super) async fn found(shop: &Parts, id: ProductId) -> Result<Product, Problem> {
    let found = shop.catalog.products(ProductIds(vec![id])).await.map_err(of_catalog)?;
    found.0.into_iter().next().ok_or_else(|| {
        Problem::not_found("no-such-product", "No such product", format!("no product has the id `{id}`"))
    })
}

/// The body of `PUT /products/{product}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProductAsked {
    #[schema(schema_with = schemas::Name::schema)]
    name: String,
    /// The price of one, from 0 on.
    price: PriceAsked,
}

/// A price.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PriceAsked {
    #[schema(schema_with = schemas::PriceMinor::schema)]
    minor: Whole,
    #[schema(schema_with = schemas::CurrencyCode::schema)]
    currency: String,
}

type ProductBody = JsonBody<ProductAsked, MAX_BODY_BYTES>;

/// Offers a product, or changes it.
#[utoipa::path(put, path = "/products/{product}", params(ByProduct), request_body = ProductAsked, responses(
    Problem,
    ProductBody,
    (status = 200, description = "The product", body = ProductShown),
    (status = 404, description = "The path is not a valid id"),
    (status = 422, description = "A value is not acceptable"),
))]
pub(super) async fn offer(
    State(shop): State<Arc<Parts>>,
    ByProduct(id): ByProduct,
    JsonBody(asked): ProductBody,
) -> Result<Json<ProductShown>, Problem> {
    let PriceAsked { minor, currency } = asked.price;
    let price = MoneyAsked { minor, currency }.parse("price")?;
    let product = Product { id, name: asked.name, price };
    shop.catalog.offer(product.clone()).await.map_err(of_catalog)?;
    Ok(Json(product.into()))
}

/// Where the goods of a product are: sold + reserved + left = stocked.
#[derive(Serialize, ToSchema)]
pub(super) struct LevelShown {
    #[schema(schema_with = schemas::Id::schema)]
    product: String,
    /// All that came in.
    stocked: u64,
    /// Kept for orders that are not paid yet.
    reserved: u64,
    /// Given away for orders that are paid.
    sold: u64,
    /// Free.
    left: u64,
}

impl From<Level> for LevelShown {
    fn from(Level { product, stocked, reserved, sold, left }: Level) -> Self {
        Self { product: product.to_string(), stocked, reserved, sold, left }
    }
}

/// The levels of several products.
#[derive(Serialize, ToSchema)]
pub(super) struct LevelsShown {
    /// One for each product; zeros for one that never came in.
    levels: Vec<LevelShown>,
}

/// Shows where the goods of products are, read together.
#[utoipa::path(get, path = "/stock", params(OfProducts), responses(
    Problem,
    (status = 200, description = "A level for each product", body = LevelsShown),
    (status = 422, description = "The products are not acceptable"),
))]
pub(super) async fn levels(
    State(shop): State<Arc<Parts>>,
    OfProducts(ids): OfProducts,
) -> Result<Json<LevelsShown>, Problem> {
    let levels = shop.stock.levels(ids).await.map_err(of_stock)?;
    Ok(Json(LevelsShown { levels: levels.0.into_iter().map(LevelShown::from).collect() }))
}

/// The body of `PUT /products/{product}/deliveries/{delivery}`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeliveryAsked {
    #[schema(schema_with = schemas::Pieces::schema)]
    quantity: Whole,
}

type DeliveryBody = JsonBody<DeliveryAsked, MAX_BODY_BYTES>;

/// Takes goods in, once for each id of a delivery.
#[utoipa::path(put, path = "/products/{product}/deliveries/{delivery}", params(ByProduct, ByDelivery),
    request_body = DeliveryAsked, responses(
    Problem,
    DeliveryBody,
    (status = 200, description = "Where the goods are now", body = LevelShown),
    (status = 404, description = "The path has no valid ids"),
    (status = 409, description = "The delivery's id was used for other goods"),
    (status = 422, description = "A value is not acceptable, or there would be too many"),
))]
pub(super) async fn receive(
    State(shop): State<Arc<Parts>>,
    ByProduct(product): ByProduct,
    ByDelivery(id): ByDelivery,
    JsonBody(asked): DeliveryBody,
) -> Result<Json<LevelShown>, Problem> {
    let delivery = Delivery { id, product, quantity: asked.quantity.or(0) };
    let level = shop.stock.receive(delivery).await.map_err(of_stock)?;
    Ok(Json(level.into()))
}
