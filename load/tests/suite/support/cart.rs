//! The cart's public API in memory: one transaction a checkout, unless it has a misdeed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{Answer, Request, serve};

/// A misdeed of the fake. "Every third" is every third checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misdeed {
    None,
    /// Every third is done, and gets no reply the first time.
    IsSilent,
    /// The same, and keys are ignored.
    IsSilentAndForgetsKeys,
    /// Keys are ignored.
    ForgetsKeys,
    /// Every third order is acknowledged and not stored.
    LosesOrders,
    /// Every third is charged and then refused.
    ChargesFirst,
    /// Every third order is paid without a charge.
    GivesAway,
    /// Every third order stays as it began, and the shop says so.
    StandsStill,
    /// Every third order ends when it is asked for a second time.
    IsSlow,
    /// Pieces that are not there are sold.
    Clamps,
    /// The voucher has no limits.
    IsGenerous,
    /// A cancel is acknowledged and has no effect.
    IgnoresCancels,
    /// Pages have another price.
    ShowsOtherPrices,
    /// The second page of a list begins one product too late.
    Skips,
    /// Sales are read without the latest order of each product, as from a replica that lags.
    ShowsOldSales,
    /// The customers of some orders are not told how these ended.
    IsSilentToCustomers,
    /// The provider's books cannot be read.
    HidesBooks,
}

#[derive(Clone, Default)]
struct Cart {
    customer: String,
    lines: Vec<Value>,
    voucher: Option<String>,
    version: u64,
}

#[derive(Default)]
struct Shop {
    products: BTreeMap<String, Value>,
    /// Stocked and sold, by product.
    goods: BTreeMap<String, (u64, u64)>,
    carts: BTreeMap<String, Cart>,
    orders: BTreeMap<String, Value>,
    /// Replies, by key.
    replies: BTreeMap<String, (u16, Value)>,
    charges: Vec<Value>,
    /// Orders, by product.
    sales: BTreeMap<String, Vec<String>>,
    /// Uses by customer, and the limit of all.
    voucher: (BTreeMap<String, u64>, u64),
    checkouts: u64,
}

/// A running fake.
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    misdeed: Arc<Mutex<Misdeed>>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let misdeed = Arc::new(Mutex::new(Misdeed::None));
        let (decided, shop) = (Arc::clone(&misdeed), Mutex::new(Shop::default()));
        let address = serve(move |request| {
            let misdeed = *decided.lock().unwrap();
            shop.lock().unwrap().answer(request, misdeed)
        });
        Self { address, misdeed }
    }

    pub(crate) fn behave(&self, misdeed: Misdeed) {
        *self.misdeed.lock().unwrap() = misdeed;
    }
}

fn ok(body: &Value) -> Answer {
    Answer::status(200, "", &body.to_string())
}

fn problem(status: u16, slug: &str) -> (u16, Value) {
    (status, json!({ "type": format!("/problems/{slug}"), "status": status }))
}

/// What the customer of an order was told: two events, unless the misdeed is to keep silent.
fn notices(order: &str, misdeed: Misdeed) -> Answer {
    let is_silent = misdeed == Misdeed::IsSilentToCustomers && order.ends_with(['0', '3', '6', '9']);
    ok(&json!({ "notices": vec![json!({ "text": "news" }); if is_silent { 1 } else { 2 }] }))
}

impl Shop {
    fn answer(&mut self, request: &Request, misdeed: Misdeed) -> Answer {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let path: Vec<&str> = path.split('/').skip(1).collect();
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        match (request.method.as_str(), &path[..]) {
            ("PUT", ["products", id]) => {
                let product = json!({ "id": id, "name": body["name"], "price": body["price"] });
                self.products.insert((*id).to_owned(), product.clone());
                ok(&product)
            }
            ("PUT", ["products", id, "deliveries", _]) => {
                self.goods.insert((*id).to_owned(), (body["quantity"].as_u64().unwrap(), 0));
                ok(&json!({}))
            }
            ("PUT", ["vouchers", _]) => {
                self.voucher.1 = body["uses"].as_u64().unwrap();
                ok(&json!({}))
            }
            ("GET", ["vouchers", _]) => ok(&json!({ "used": self.voucher.0.values().sum::<u64>() })),
            ("GET", ["products", id]) => {
                let mut product = self.products[*id].clone();
                if misdeed == Misdeed::ShowsOtherPrices {
                    product["price"]["minor"] = json!(1);
                }
                ok(&product)
            }
            ("GET", ["products"]) => self.list(query, misdeed),
            ("GET", ["stock"]) => self.levels(query),
            ("GET", ["carts", id]) => ok(&json!({ "lines": self.carts[*id].lines })),
            ("GET", ["sales"]) => self.sales(query, misdeed),
            ("PUT", ["carts", id]) => {
                let customer = body["customer"].as_str().unwrap().to_owned();
                self.carts.insert((*id).to_owned(), Cart { customer, ..Cart::default() });
                Answer::status(200, "ETag: \"0\"\r\n", "{}")
            }
            ("PUT", ["carts", id, ..]) => self.change(id, &path[2..], &body, request),
            ("POST", ["checkouts"]) => self.check_out(&body, request, misdeed),
            ("POST", ["orders", id, "cancel"]) => self.cancel(id, misdeed),
            ("GET", ["orders", id]) => self.order(id),
            ("GET", ["orders", id, "notices"]) => notices(id, misdeed),
            ("GET", ["admin", "books"]) if misdeed == Misdeed::HidesBooks => Answer::status(500, "", ""),
            ("GET", ["admin", "books"]) => self.books(query),
            ("GET", ["admin", "sagas"]) => {
                let is_pending = |order: &&Value| order["status"] == "pending";
                let is_stuck = |order: &&Value| is_pending(order) && order["slow"].is_null();
                let is_listed = |order: &&Value| match query {
                    query if query.contains("running") => is_pending(order),
                    query if query.contains("stuck") => is_stuck(order),
                    _ => false,
                };
                let listed = self.orders.values().filter(is_listed);
                let sagas: Vec<_> = listed.map(|order| json!({ "order": order["id"] })).collect();
                ok(&json!({ "sagas": sagas }))
            }
            _ => Answer::status(404, "", "{}"),
        }
    }

    fn books(&self, query: &str) -> Answer {
        let after: usize = query.strip_prefix("after=").unwrap().parse().unwrap();
        let page: Vec<_> = self.charges.iter().skip(after).take(7).collect();
        let next = (after + page.len() < self.charges.len()).then_some(after + page.len());
        ok(&json!({ "charges": page, "next": next }))
    }

    fn list(&self, query: &str, misdeed: Misdeed) -> Answer {
        let parameter =
            |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let (after, search) = (parameter("after"), parameter("search").unwrap());
        let limit: usize = parameter("limit").unwrap().parse().unwrap();
        let is_found = |product: &&Value| product["name"].as_str().unwrap().contains(search);
        let mut products: Vec<_> = self.products.values().filter(is_found).collect();
        products.sort_by_key(|product| product["name"].as_str().unwrap().to_owned());
        let skipped = usize::from(after.is_some() && misdeed == Misdeed::Skips);
        let begin = after.map_or(0, |after| after.parse::<usize>().unwrap()) + skipped;
        let page: Vec<_> = products.iter().skip(begin).take(limit).collect();
        let end = begin + page.len();
        ok(&json!({ "products": page, "next": (end < products.len()).then(|| end.to_string()) }))
    }

    fn levels(&self, query: &str) -> Answer {
        let level = |product: &str| {
            let (stocked, sold) = self.goods[product];
            json!({ "product": product, "stocked": stocked, "reserved": 0, "sold": sold, "left": stocked - sold })
        };
        let named = query.strip_prefix("products=").unwrap();
        ok(&json!({ "levels": named.split(',').map(level).collect::<Vec<_>>() }))
    }

    fn sales(&self, query: &str, misdeed: Misdeed) -> Answer {
        let behind = usize::from(misdeed == Misdeed::ShowsOldSales);
        let sales = |product: &str| {
            let orders = self.sales.get(product).map_or(&[][..], Vec::as_slice);
            json!({ "product": product, "orders": orders[..orders.len().saturating_sub(behind)] })
        };
        let named = query.strip_prefix("products=").unwrap();
        ok(&json!({ "sales": named.split(',').map(sales).collect::<Vec<_>>() }))
    }

    fn change(&mut self, id: &str, what: &[&str], body: &Value, request: &Request) -> Answer {
        let cart = self.carts.get_mut(id).unwrap();
        if request.header("if-match") != Some(&format!("\"{}\"", cart.version)) {
            return Answer::status(412, "", "{}");
        }
        match what {
            ["lines", product] => {
                cart.lines.push(json!({ "product": product, "quantity": body["quantity"] }));
            }
            _ => cart.voucher = Some(body["code"].as_str().unwrap().to_owned()),
        }
        cart.version += 1;
        Answer::status(200, &format!("ETag: \"{}\"\r\n", cart.version), "{}")
    }

    fn check_out(&mut self, body: &Value, request: &Request, misdeed: Misdeed) -> Answer {
        let key = request.header("idempotency-key").unwrap().to_owned();
        let reply = |(status, body): &(u16, Value)| Answer::status(*status, "", &body.to_string());
        let keeps_keys = !matches!(misdeed, Misdeed::IsSilentAndForgetsKeys | Misdeed::ForgetsKeys);
        if let Some(stored) = self.replies.get(&key).filter(|_| keeps_keys) {
            return reply(stored);
        }
        let is_repeated = self.replies.contains_key(&key);
        self.checkouts += 1;
        let is_third = self.checkouts.is_multiple_of(3);
        let made = self.make(body, is_third, misdeed);
        let answer = reply(&made);
        self.replies.insert(key, made);
        let is_silent = matches!(misdeed, Misdeed::IsSilent | Misdeed::IsSilentAndForgetsKeys);
        if is_silent && is_third && !is_repeated { Answer::Silence } else { answer }
    }

    fn make(&mut self, body: &Value, is_third: bool, misdeed: Misdeed) -> (u16, Value) {
        let Cart { customer, lines, voucher, .. } = self.carts[body["cart"].as_str().unwrap()].clone();
        let id = format!("ffffffff-0000-0000-0000-{:012x}", self.checkouts);
        let total = body["total"]["minor"].as_i64().unwrap();
        if body["token"] == "insufficient-funds" {
            return problem(402, "insufficient-funds");
        }
        if misdeed == Misdeed::ChargesFirst && is_third {
            self.charge(&id, total);
            return problem(409, "timed-out");
        }
        if let Err(refusal) = self.take(&lines, voucher.is_some().then_some(customer), misdeed) {
            return refusal;
        }
        let is_open = is_third && matches!(misdeed, Misdeed::StandsStill | Misdeed::IsSlow);
        let mut order = json!({
            "id": id, "cart": body["cart"], "lines": lines, "voucher": voucher, "refunds": [], "made_at_ms": 0,
            "total": { "minor": total, "currency": "EUR" }, "status": if is_open { "pending" } else { "paid" },
        });
        if is_open && misdeed == Misdeed::IsSlow {
            order["slow"] = json!(true);
        }
        if !(misdeed == Misdeed::GivesAway && is_third) {
            self.charge(&id, total);
        }
        for line in &lines {
            let product = line["product"].as_str().unwrap();
            self.sales.entry(product.to_owned()).or_default().push(id.clone());
        }
        let is_lost = misdeed == Misdeed::LosesOrders && is_third;
        self.orders.insert(id.clone(), if is_lost { Value::Null } else { order });
        (201, json!({ "order": id, "total": { "minor": total, "currency": "EUR" }, "status": "paid" }))
    }

    /// Takes the goods and a use of the voucher, or nothing.
    fn take(
        &mut self,
        lines: &[Value],
        customer: Option<String>,
        misdeed: Misdeed,
    ) -> Result<(), (u16, Value)> {
        let wanted =
            |line: &Value| (line["product"].as_str().unwrap().to_owned(), line["quantity"].as_u64().unwrap());
        let is_there = |line: &Value| {
            let (product, quantity) = wanted(line);
            let (stocked, sold) = self.goods[&product];
            sold + quantity <= stocked
        };
        if misdeed != Misdeed::Clamps && !lines.iter().all(is_there) {
            return Err(problem(409, "out-of-stock"));
        }
        if let Some(customer) = customer {
            let (uses, limit) = &mut self.voucher;
            let is_free = uses.values().sum::<u64>() < *limit && !uses.contains_key(&customer);
            if !is_free && misdeed != Misdeed::IsGenerous {
                return Err(problem(409, "voucher-used-up"));
            }
            *uses.entry(customer).or_default() += 1;
        }
        for (product, quantity) in lines.iter().map(wanted) {
            let (stocked, sold) = self.goods.get_mut(&product).unwrap();
            *sold = (*sold + quantity).min(*stocked);
        }
        Ok(())
    }

    fn charge(&mut self, order: &str, amount: i64) {
        let id = format!("ch_{}", self.charges.len());
        self.charges.push(json!({
            "id": id, "order": order, "status": "captured", "held_minor": 0, "captured_minor": amount, "refunded_minor": 0,
        }));
    }

    fn cancel(&mut self, id: &str, misdeed: Misdeed) -> Answer {
        let Some(order) = self.orders.get_mut(id).filter(|order| !order.is_null()) else {
            return Answer::status(404, "", "{}");
        };
        if misdeed != Misdeed::IgnoresCancels && order["status"] != "cancelled" {
            order["status"] = json!("cancelled");
            for line in order["lines"].as_array().unwrap() {
                self.goods.get_mut(line["product"].as_str().unwrap()).unwrap().1 -=
                    line["quantity"].as_u64().unwrap();
            }
            for charge in self.charges.iter_mut().filter(|charge| charge["order"] == id) {
                charge["refunded_minor"] = charge["captured_minor"].clone();
            }
        }
        ok(&json!({}))
    }

    fn order(&mut self, id: &str) -> Answer {
        let Some(order) = self.orders.get_mut(id).filter(|order| !order.is_null()) else {
            return Answer::status(404, "", "{}");
        };
        let answer = ok(order);
        if order["slow"] == true {
            order["status"] = json!("paid");
        }
        answer
    }
}
