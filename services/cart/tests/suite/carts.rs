//! Carts and the catalogue.

use cart::{
    ApplyVoucher, CartError, CartId, CatalogError, ChangeLine, ClearCart, Currency, Cursor, CustomerId,
    Discount, MAX_LINES, MAX_PRICE, Money, MoneyError, OpenCart, OrderId, OrderedLine, Product, ProductId,
    ProductIds, ProductQuery, Quantity, Version,
};

use super::shop::{CART, CUSTOMER, Kind, POT, Shop, TEA};
use crate::support::{at_once, code, euro, pieces};

fn shop() -> Shop {
    Shop::new(Kind::Saga)
}

fn change(product: ProductId, number: u32, expected: u64, minor: i64) -> ChangeLine {
    ChangeLine {
        cart: CART,
        expected: Version(expected),
        product,
        quantity: Quantity::new(number).ok(),
        seen_price: euro(minor),
    }
}

#[test]
fn of_two_changes_of_one_version_one_is_refused() {
    let shop = shop();
    assert_eq!(at_once(shop.carts.change(change(TEA, 2, 0, 500))).unwrap().version, Version(1));
    let stale = CartError::Stale { current: Version(1) };
    assert_eq!(at_once(shop.carts.change(change(POT, 1, 0, 2_000))), Err(stale.clone()));
    let apply = ApplyVoucher { cart: CART, expected: Version(0), code: None };
    assert_eq!(at_once(shop.carts.apply(apply)), Err(stale));
    assert_eq!(shop.cart().lines.len(), 1);
}

#[test]
fn a_line_is_set_changed_and_removed() {
    let shop = shop();
    shop.put(POT, 1);
    shop.put(TEA, 2);
    shop.put(TEA, 5);
    let quantities: Vec<_> =
        shop.cart().lines.iter().map(|line| (line.product, line.quantity.get())).collect();
    assert_eq!(quantities, [(TEA, 5), (POT, 1)]);
    shop.put(TEA, 0);
    assert_eq!(shop.cart().lines.len(), 1);
    let before = shop.cart().version;
    assert_eq!(shop.put(TEA, 0).version, before, "there is nothing left to remove");
}

#[test]
fn a_product_that_is_unknown_or_has_another_price_is_not_put_in() {
    let shop = shop();
    let unknown = CartError::UnknownProduct { product: ProductId(9) };
    assert_eq!(at_once(shop.carts.change(change(ProductId(9), 1, 0, 500))), Err(unknown));
    let changed = CartError::PriceChanged { product: TEA, price: euro(500) };
    assert_eq!(at_once(shop.carts.change(change(TEA, 1, 0, 400))), Err(changed));
    assert_eq!(shop.cart().version, Version(0));
}

#[test]
fn a_cart_has_one_currency() {
    let shop = shop();
    let yen = Money::new(80, Currency::parse("JPY").unwrap());
    at_once(shop.catalog.offer(Product { id: ProductId(3), name: "Bowl".to_owned(), price: yen })).unwrap();
    shop.put(TEA, 1);
    let mixed = MoneyError::MixedCurrencies { one: euro(0).currency, other: yen.currency };
    let bowl = ChangeLine { seen_price: yen, ..change(ProductId(3), 1, 1, 0) };
    assert_eq!(at_once(shop.carts.change(bowl)), Err(CartError::from(mixed)));
}

#[test]
fn a_price_that_has_changed_is_said_before_anything_is_computed_with_it() {
    let shop = shop();
    shop.put(TEA, 1);
    let expected = shop.cart().version.0;
    let changed = CartError::PriceChanged { product: POT, price: euro(2_000) };
    let yen = Money::new(2_000, Currency::parse("JPY").unwrap());
    for seen_price in [yen, euro(i64::MAX)] {
        let line = ChangeLine { seen_price, ..change(POT, 1, expected, 0) };
        assert_eq!(at_once(shop.carts.change(line)), Err(changed.clone()), "{seen_price}");
    }
    let stale = ChangeLine { seen_price: yen, ..change(POT, 1, expected + 1, 0) };
    assert_eq!(at_once(shop.carts.change(stale)), Err(CartError::Stale { current: Version(expected) }));
}

#[test]
fn a_cart_has_so_many_lines_and_all_of_them_at_the_highest_price_have_a_sum() {
    let shop = shop();
    for id in 0..=MAX_LINES as u128 {
        shop.offer(ProductId(100 + id), "Gold", MAX_PRICE);
    }
    for id in 0..MAX_LINES as u128 {
        shop.put(ProductId(100 + id), Quantity::MAX);
    }
    let one_more = change(ProductId(100 + MAX_LINES as u128), 1, MAX_LINES as u64, MAX_PRICE);
    assert_eq!(at_once(shop.carts.change(one_more)), Err(CartError::TooManyLines));
    let total = MAX_PRICE * i64::try_from(MAX_LINES).unwrap() * i64::from(Quantity::MAX);
    assert_eq!(shop.checkout(&shop.request("a", total)).unwrap().total, euro(total));
}

#[test]
fn what_was_put_in_after_the_checkout_stays() {
    let shop = shop();
    let clear = ClearCart {
        cart: CART,
        order: OrderId(1),
        lines: vec![OrderedLine { product: TEA, quantity: pieces(2) }],
    };
    shop.put(TEA, 3);
    shop.put(POT, 1);
    for _ in 0..2 {
        let cart = at_once(shop.carts.clear(clear.clone())).unwrap();
        let left: Vec<_> = cart.lines.iter().map(|line| (line.product, line.quantity.get())).collect();
        assert_eq!(left, [(TEA, 1), (POT, 1)], "once by order");
    }
}

#[test]
fn a_cart_is_opened_once_and_by_one_customer() {
    let shop = shop();
    shop.put(TEA, 1);
    let again = at_once(shop.carts.open(OpenCart { id: CART, customer: CUSTOMER })).unwrap();
    assert_eq!(again, shop.cart());
    let other = OpenCart { id: CART, customer: CustomerId(99) };
    assert_eq!(at_once(shop.carts.open(other)), Err(CartError::OtherCustomer));
    let unknown = CartError::NotFound { id: CartId(99) };
    assert_eq!(at_once(shop.carts.cart(CartId(99))), Err(unknown));
}

#[test]
fn a_voucher_that_does_not_exist_is_not_applied() {
    let shop = shop();
    let apply = |text| ApplyVoucher { cart: CART, expected: shop.cart().version, code: Some(code(text)) };
    let unknown = CartError::UnknownVoucher { code: code("NONE") };
    assert_eq!(at_once(shop.carts.apply(apply("NONE"))), Err(unknown));
    shop.voucher("FIVE", Discount::Amount(euro(5)), 1, 1);
    assert_eq!(at_once(shop.carts.apply(apply("FIVE"))).unwrap().voucher, Some(code("FIVE")));
    assert_eq!(shop.cart().version, Version(1));
}

#[test]
fn a_list_neither_skips_nor_repeats_while_products_come_and_go() {
    let shop = shop();
    for id in 10..30 {
        shop.offer(ProductId(id), &format!("Tea no {id}"), 100);
    }
    let query = |after| ProductQuery { search: "TEA".to_owned(), after, limit: 7 };
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = at_once(shop.catalog.list(query(after))).unwrap();
        assert!(page.products.len() <= 7);
        names.extend(page.products.into_iter().map(|product| product.name));
        // A product comes whose place is before the cursor: a count of products to skip would repeat one.
        let number = 1_000 + names.len() as u128;
        shop.offer(ProductId(number), &format!("A tea {number}"), 100);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let mut expected: Vec<_> = (10..30).map(|id| format!("Tea no {id}")).collect();
    expected.extend(["Green tea".to_owned(), "Tea pot".to_owned()]);
    expected.sort_unstable();
    assert_eq!(names, expected);
}

#[test]
fn queries_and_products_that_cannot_be_are_refused() {
    let shop = shop();
    let list =
        |search: String, limit| at_once(shop.catalog.list(ProductQuery { search, after: None, limit }));
    assert_eq!(list(String::new(), 0), Err(CatalogError::Limit));
    assert_eq!(list(String::new(), 101), Err(CatalogError::Limit));
    for search in ["x".repeat(201), "tea\0".to_owned()] {
        assert_eq!(list(search, 1), Err(CatalogError::Search));
    }
    let forged = Some(Cursor { name: "\0".to_owned(), id: TEA });
    let query = ProductQuery { search: String::new(), after: forged, limit: 1 };
    assert_eq!(at_once(shop.catalog.list(query)), Err(CatalogError::Search));
    let many = ProductIds(vec![TEA; 101]);
    assert_eq!(at_once(shop.catalog.products(many)), Err(CatalogError::TooManyProducts));
    let offer =
        |name: String, minor| at_once(shop.catalog.offer(Product { id: TEA, name, price: euro(minor) }));
    assert_eq!(offer(String::new(), 1), Err(CatalogError::Name));
    assert_eq!(offer("x".repeat(201), 1), Err(CatalogError::Name));
    assert_eq!(offer("Tea\n".to_owned(), 1), Err(CatalogError::Name));
    assert_eq!(offer("x".to_owned(), -1), Err(CatalogError::Price));
    assert_eq!(offer("x".to_owned(), MAX_PRICE + 1), Err(CatalogError::Price));
}
