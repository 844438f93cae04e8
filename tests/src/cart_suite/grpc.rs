//! The promises of the public API in gRPC.

use std::time::Duration;

use cart_app::remotes::proto::{
    shop::v1::{
        CheckOutRequest, GetCartRequest, GetOrderRequest, GetProductRequest, GetStockRequest,
        ListProductsRequest, OpenCartRequest, SetLineRequest, shop_service_client::ShopServiceClient,
    },
    v1::Money,
};
use http::Uri;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::runtime::Runtime;
use tonic::{Code, Request, Status, body::Body};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use super::shop::{Filled, id, product};
use crate::edge_client::EdgeClient;

/// A client of one edge, over one connection.
struct Shop {
    runtime: Runtime,
    client: ShopServiceClient<Client<HttpConnector, Body>>,
}

impl Shop {
    fn of(edge: &EdgeClient) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let http = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let origin: Uri = format!("http://{}", edge.address()).parse().expect("an address");
        Self { runtime, client: ShopServiceClient::with_origin(http, origin) }
    }

    /// What a call says.
    fn call<T>(
        &self,
        call: impl AsyncFnOnce(
            ShopServiceClient<Client<HttpConnector, Body>>,
        ) -> Result<tonic::Response<T>, Status>,
    ) -> Result<T, Status> {
        self.runtime.block_on(call(self.client.clone())).map(tonic::Response::into_inner)
    }
}

/// The code of a failed call, and the name of its problem.
#[track_caller]
fn refused<T>(called: Result<T, Status>) -> (Code, String) {
    let Err(status) = called else { panic!("it is not refused") };
    let info = status.get_details_error_info().unwrap_or_else(|| panic!("{status:?}"));
    assert_eq!(info.domain, "lab.cart.shop.v1.ShopService");
    (status.code(), info.reason)
}

fn bytes(id: &str) -> Vec<u8> {
    Uuid::parse_str(id).expect("a UUID").into_bytes().to_vec()
}

fn euro(minor: i64) -> Money {
    Money { minor, currency: "EUR".to_owned() }
}

pub(super) fn a_page_asks_for_each_thing_over_one_connection(edge: &EdgeClient) {
    let (shop, tea) = (Shop::of(edge), product(edge, 10));
    let filled = Filled::with(edge, &tea, 2);
    let page = shop.call(async |client| {
        let [mut one, mut two, mut three] = [client.clone(), client.clone(), client];
        let (product, stock, cart) = futures::join!(
            one.get_product(GetProductRequest { id: bytes(&tea) }),
            two.get_stock(GetStockRequest { product_ids: vec![bytes(&tea)] }),
            three.get_cart(GetCartRequest { id: bytes(&filled.cart) }),
        );
        Ok(tonic::Response::new((product?.into_inner(), stock?.into_inner(), cart?.into_inner())))
    });
    let (product, stock, cart) = page.expect("a page");
    let product = product.product.expect("a product");
    assert_eq!((&*product.name, product.price), ("Green tea", Some(euro(500))));
    assert_eq!(stock.levels.iter().map(|level| level.left).collect::<Vec<_>>(), [10]);
    let cart = cart.cart.expect("a cart");
    assert_eq!((cart.version, cart.lines[0].quantity), (1, 2));
    let list = ListProductsRequest { search: "GREEN".to_owned(), after: None, limit: 1 };
    let listed = shop.call(async |mut client| client.list_products(list).await).expect("a list");
    assert_eq!(listed.products.len(), 1);
}

pub(super) fn a_purchase_is_made_once_for_each_key(edge: &EdgeClient) {
    let (shop, tea, cart) = (Shop::of(edge), product(edge, 10), id());
    let open = OpenCartRequest { id: bytes(&cart), customer_id: bytes(&id()) };
    shop.call(async |mut client| client.open_cart(open).await).expect("a cart");
    let line = |version, minor| {
        let (cart_id, product_id, price) = (bytes(&cart), bytes(&tea), Some(euro(minor)));
        let set = SetLineRequest { cart_id, version, product_id, quantity: Some(1), price };
        shop.call(async |mut client| client.set_line(set).await)
    };
    assert_eq!(refused(line(7, 500)), (Code::Aborted, "CART_CHANGED".to_owned()));
    assert_eq!(refused(line(0, 499)), (Code::FailedPrecondition, "PRICE_CHANGED".to_owned()));
    assert_eq!(line(0, 500).expect("a line").cart.map(|cart| cart.version), Some(1));
    let key = id();
    let check_out = |minor| {
        let (key, cart_id, token) = (key.clone(), bytes(&cart), "card-1".to_owned());
        let checkout = CheckOutRequest { key, cart_id, version: 1, total: Some(euro(minor)), token };
        shop.call(async |mut client| client.check_out(checkout).await)
    };
    let first = check_out(500).expect("an order");
    assert_eq!(first.total, Some(euro(500)));
    assert_eq!(check_out(500).expect("the same order"), first, "the first reply is repeated");
    assert_eq!(refused(check_out(400)), (Code::InvalidArgument, "KEY_REUSED".to_owned()));
    let order = GetOrderRequest { id: first.order_id };
    let order = shop.call(async |mut client| client.get_order(order).await).expect("the order").order;
    assert_eq!(order.map(|order| order.lines.len()), Some(1));
}

pub(super) fn what_cannot_be_is_refused_by_its_name(edge: &EdgeClient) {
    let shop = Shop::of(edge);
    let get = |id: Vec<u8>| shop.call(async |mut client| client.get_product(GetProductRequest { id }).await);
    assert_eq!(refused(get(bytes(&id()))), (Code::NotFound, "NO_SUCH_PRODUCT".to_owned()));
    assert_eq!(refused(get(vec![0; 15])), (Code::InvalidArgument, "INVALID_ID".to_owned()));
    let list = |after: Option<&str>, limit| {
        let list = ListProductsRequest { search: String::new(), after: after.map(str::to_owned), limit };
        shop.call(async |mut client| client.list_products(list).await)
    };
    assert_eq!(refused(list(Some("x"), 1)), (Code::InvalidArgument, "INVALID_AFTER".to_owned()));
    assert_eq!(refused(list(None, 101)), (Code::InvalidArgument, "INVALID_VALUE".to_owned()));
    let late = shop.call(async |mut client| {
        let mut request = Request::new(ListProductsRequest { limit: 1, ..ListProductsRequest::default() });
        request.set_timeout(Duration::from_nanos(1));
        client.list_products(request).await
    });
    assert_eq!(late.map_err(|status| status.code()).map(drop), Err(Code::DeadlineExceeded));
}
