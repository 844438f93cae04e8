//! The public API in gRPC: a client asks for each thing that it needs, all at once over one connection of HTTP/2.
//!
//! It stands on the same components as the resources, and its errors have the same names: the reason of a status is the last
//! part of a problem's type, in capitals (<https://google.aip.dev/193>).
//! A client's own deadline, `grpc-timeout`, may be earlier than the server's, and then counts.
//! `grpcurl` lists and describes it: server reflection is there as well.

use std::{collections::HashMap, sync::Arc};

use axum::{Router, middleware::from_fn, routing::post_service};
use cart::{ApplyVoucher, CartId, ChangeLine, Checkout, OpenCart, OrderId, ProductIds, ProductQuery};
use http::StatusCode;
use remote::Malformed;
use runtime::edge::reflection;
use serde_json::Value;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{
    MAX_BODY_BYTES, Parts,
    problems::{Refused, of_carts, of_catalog, of_orders, of_stock},
    products::found,
};
use crate::{
    SERVICE,
    remotes::proto::shop::v1::{
        CancelOrderRequest, CancelOrderResponse, CheckOutRequest, CheckOutResponse, GetCartRequest,
        GetCartResponse, GetOrderRequest, GetOrderResponse, GetProductRequest, GetProductResponse,
        GetStockRequest, GetStockResponse, ListProductsRequest, ListProductsResponse, OpenCartRequest,
        OpenCartResponse, SetLineRequest, SetLineResponse, SetVoucherRequest, SetVoucherResponse,
        shop_service_server::{ShopService, ShopServiceServer},
    },
};

/// The service, which is the domain of its errors as well.
const NAME: &str = "lab.cart.shop.v1.ShopService";

/// The path of a checkout.
pub(super) const CHECK_OUT: &str = "/lab.cart.shop.v1.ShopService/CheckOut";

/// The paths of the methods: a route each, so that each has its own figures.
const METHODS: [&str; 10] = [
    "/lab.cart.shop.v1.ShopService/ListProducts",
    "/lab.cart.shop.v1.ShopService/GetProduct",
    "/lab.cart.shop.v1.ShopService/GetStock",
    "/lab.cart.shop.v1.ShopService/OpenCart",
    "/lab.cart.shop.v1.ShopService/GetCart",
    "/lab.cart.shop.v1.ShopService/SetLine",
    "/lab.cart.shop.v1.ShopService/SetVoucher",
    CHECK_OUT,
    "/lab.cart.shop.v1.ShopService/GetOrder",
    "/lab.cart.shop.v1.ShopService/CancelOrder",
];

/// The routes.
pub(super) fn routes(parts: Arc<Parts>) -> Router {
    let server = ShopServiceServer::new(Shop(parts)).max_decoding_message_size(MAX_BODY_BYTES);
    let route = |router: Router, path| router.route(path, post_service(server.clone()));
    let methods = METHODS.into_iter().fold(Router::new(), route);
    // tonic's server does not check the content type.
    methods.route_layer(from_fn(remote::only_grpc)).merge(reflection(NAME, SERVICE.descriptors))
}

/// The service.
struct Shop(Arc<Parts>);

#[tonic::async_trait]
impl ShopService for Shop {
    async fn list_products(
        &self,
        request: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        let query: ProductQuery = read(request)?;
        reply(self.0.catalog.list(query).await.map_err(of_catalog))
    }

    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        reply(found(&self.0, read(request)?).await)
    }

    async fn get_stock(
        &self,
        request: Request<GetStockRequest>,
    ) -> Result<Response<GetStockResponse>, Status> {
        let products: ProductIds = read(request)?;
        reply(self.0.stock.levels(products).await.map_err(of_stock))
    }

    async fn open_cart(
        &self,
        request: Request<OpenCartRequest>,
    ) -> Result<Response<OpenCartResponse>, Status> {
        let open: OpenCart = read(request)?;
        reply(self.0.carts.open(open).await.map_err(of_carts))
    }

    async fn get_cart(&self, request: Request<GetCartRequest>) -> Result<Response<GetCartResponse>, Status> {
        let id: CartId = read(request)?;
        reply(self.0.carts.cart(id).await.map_err(of_carts))
    }

    async fn set_line(&self, request: Request<SetLineRequest>) -> Result<Response<SetLineResponse>, Status> {
        let change: ChangeLine = read(request)?;
        reply(self.0.carts.change(change).await.map_err(of_carts))
    }

    async fn set_voucher(
        &self,
        request: Request<SetVoucherRequest>,
    ) -> Result<Response<SetVoucherResponse>, Status> {
        let apply: ApplyVoucher = read(request)?;
        reply(self.0.carts.apply(apply).await.map_err(of_carts))
    }

    async fn check_out(
        &self,
        request: Request<CheckOutRequest>,
    ) -> Result<Response<CheckOutResponse>, Status> {
        let checkout: Checkout = read(request)?;
        reply(self.0.orders.checkout(checkout).await.map_err(of_orders))
    }

    async fn get_order(
        &self,
        request: Request<GetOrderRequest>,
    ) -> Result<Response<GetOrderResponse>, Status> {
        let id: OrderId = read(request)?;
        reply(self.0.orders.order(id).await.map_err(of_orders))
    }

    async fn cancel_order(
        &self,
        request: Request<CancelOrderRequest>,
    ) -> Result<Response<CancelOrderResponse>, Status> {
        let id: OrderId = read(request)?;
        reply(self.0.orders.cancel(id).await.map_err(of_orders))
    }
}

/// What a message says.
fn read<M, T>(request: Request<M>) -> Result<T, Status>
where
    T: TryFrom<M, Error = Malformed>,
{
    request.into_inner().try_into().map_err(|malformed: Malformed| {
        let slug = format!("invalid-{}", malformed.in_field().trim_end_matches("_id").replace('_', "-"));
        status(StatusCode::UNPROCESSABLE_ENTITY, &slug, malformed.to_string(), HashMap::new())
    })
}

fn reply<T, M: From<T>>(result: Result<T, impl Into<Refused>>) -> Result<Response<M>, Status> {
    match result {
        Ok(value) => Ok(Response::new(value.into())),
        Err(refused) => Err(status_of(refused.into())),
    }
}

/// The status for a problem.
fn status_of(refused: Refused) -> Status {
    match refused {
        Refused::Problem(problem) => {
            status(problem.status(), problem.slug(), problem.detail().to_owned(), HashMap::new())
        }
        Refused::PriceChanged(document) => {
            let detail = document["detail"].as_str().unwrap_or_default().to_owned();
            status(StatusCode::CONFLICT, "price-changed", detail, new_prices(&document))
        }
    }
}

/// The members that only this problem has, as JSON: metadata are texts.
fn new_prices(document: &Value) -> HashMap<String, String> {
    let member = |name: &str| document.get(name).map(|member| (name.to_owned(), member.to_string()));
    ["price", "total", "lines"].into_iter().filter_map(member).collect()
}

fn status(status: StatusCode, slug: &str, detail: String, members: HashMap<String, String>) -> Status {
    let reason = slug.replace('-', "_").to_ascii_uppercase();
    let details = ErrorDetails::with_error_info(reason, NAME, members);
    Status::with_error_details(code_of(status, slug), detail, details)
}

/// The code for a problem (<https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto>): `ABORTED` has a client
/// read again and try again, `FAILED_PRECONDITION` has it change something first.
fn code_of(status: StatusCode, slug: &str) -> Code {
    match status {
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Code::InvalidArgument,
        StatusCode::NOT_FOUND => Code::NotFound,
        _ if matches!(slug, "cart-changed" | "in-flight") => Code::Aborted,
        StatusCode::CONFLICT | StatusCode::PAYMENT_REQUIRED => Code::FailedPrecondition,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        StatusCode::GATEWAY_TIMEOUT => Code::DeadlineExceeded,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use cart::{CartError, Money, OrderError, Refusal, Version};
    use contract::{Unavailable, Why};

    use super::*;

    #[test]
    fn a_status_has_the_name_of_the_problem_and_says_whether_to_try_again() {
        for (refused, code, reason) in [
            (of_carts(CartError::Stale { current: Version(3) }), Code::Aborted, "CART_CHANGED"),
            (of_orders(OrderError::InFlight), Code::Aborted, "IN_FLIGHT"),
            (of_orders(OrderError::EmptyCart), Code::FailedPrecondition, "EMPTY_CART"),
            (
                of_orders(OrderError::Refused { reason: Refusal::InsufficientFunds }),
                Code::FailedPrecondition,
                "INSUFFICIENT_FUNDS",
            ),
            (of_orders(OrderError::KeyReused), Code::InvalidArgument, "KEY_REUSED"),
            (
                of_stock(Unavailable::new("stock", Why::Unreachable).into()).into(),
                Code::Unavailable,
                "UNAVAILABLE",
            ),
            (
                of_stock(Unavailable::new("stock", Why::TimedOut).into()).into(),
                Code::DeadlineExceeded,
                "TOO_LATE",
            ),
        ] {
            let status = status_of(refused);
            let info = status.get_details_error_info().expect("a detail");
            assert_eq!((status.code(), &*info.reason, &*info.domain), (code, reason, NAME));
        }
    }

    #[test]
    fn a_changed_price_says_the_new_one() {
        let total = Money::new(500, cart::Currency::NONE);
        let status = status_of(of_orders(OrderError::PriceChanged { total, lines: Vec::new() }));
        let info = status.get_details_error_info().expect("a detail");
        assert_eq!(info.metadata["total"], r#"{"currency":"XXX","minor":500}"#);
    }
}
