//! What users look at: pages of products, and lists of them.

use super::{
    api::{self, ProductsView},
    ledger_state::LedgerState,
    purchase::Shop,
};
use crate::{
    http::{Reply, RequestBuf},
    journey::{Failure, Operation, Outcome, Step},
};

/// The page of a product was replied to.
pub(super) fn page(shop: &Shop, ledger: &LedgerState, op: &Operation, reply: &Reply<'_>) -> Outcome {
    match reply.status {
        200 => {}
        404 => return Outcome::Failed(Failure::Missing),
        status => return api::otherwise(status),
    }
    let id = shop.id(op.key);
    let view = api::product_of(shop, reply);
    let is_right = view.is_some_and(|view| view.id == id && api::is_right(&view, shop));
    judged(ledger, is_right, || format!("the page of product `{id}` is of another one, or at another price"))
}

/// A page of a list was replied to; the second one follows the first, and neither repeats nor skips a product.
pub(super) fn listed(
    shop: &Shop,
    ledger: &LedgerState,
    op: &mut Operation,
    reply: &Reply<'_>,
    request: &mut RequestBuf,
) -> Step {
    if reply.status != 200 {
        return Step::Done(api::otherwise(reply.status));
    }
    let Some(view) = api::products_of(shop, reply) else {
        return Step::Done(judged(ledger, false, || "a list is not readable".to_owned()));
    };
    let is_right = is_page(shop, op.detail, &view);
    op.detail += view.products.len() as u64;
    if !is_right {
        let story = || format!("a list of products, up to the {}th, skips or repeats one", op.detail);
        return Step::Done(judged(ledger, false, story));
    }
    match view.next {
        Some(next) if op.step == 0 => {
            op.step = 1;
            api::list(shop, Some(&next), request);
            Step::Next
        }
        _ => Step::Done(Outcome::Success),
    }
}

/// The outcome of an answer that is right or not.
pub(super) fn judged(ledger: &LedgerState, is_right: bool, story: impl FnOnce() -> String) -> Outcome {
    if is_right {
        return Outcome::Success;
    }
    ledger.found_wrong(story);
    Outcome::Failed(Failure::WrongAnswer)
}

/// Whether a page holds the products that come after so many, as many as it may, and says whether more come: the names of a
/// run's products sort as their numbers do.
fn is_page(shop: &Shop, before: u64, view: &ProductsView) -> bool {
    let expected = (before..shop.products).take(api::LISTED);
    let is_last = before + view.products.len() as u64 == shop.products;
    view.products.iter().map(|product| product.id).eq(expected.map(|number| shop.id(number)))
        && view.products.iter().all(|product| api::is_right(product, shop))
        && (view.next.is_some() || is_last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journeys::cart::{
        api::ProductView,
        mix::Mix,
        purchase::{CURRENCY, price},
    };

    fn page(shop: &Shop, numbers: impl Iterator<Item = u64>, next: Option<&str>) -> ProductsView {
        let product = |number| ProductView {
            id: shop.id(number),
            name: shop.name(number),
            price: api::MoneyView { minor: price(number), currency: CURRENCY.to_owned() },
        };
        ProductsView { products: numbers.map(product).collect(), next: next.map(str::to_owned) }
    }

    #[test]
    fn a_page_that_skips_repeats_or_ends_too_early_is_none() {
        let shop = Shop::new(7, Mix::Browse, 50, 10);
        assert!(is_page(&shop, 0, &page(&shop, 0..20, Some("x"))));
        assert!(is_page(&shop, 20, &page(&shop, 20..40, Some("x"))));
        assert!(is_page(&shop, 40, &page(&shop, 40..50, None)));
        for (before, numbers) in [(20, 19..39), (20, 21..41), (0, 0..19), (40, 40..49)] {
            assert!(
                !is_page(&shop, before, &page(&shop, numbers.clone(), Some("x"))),
                "{before}: {numbers:?}"
            );
        }
        assert!(!is_page(&shop, 20, &page(&shop, 20..40, None)), "more come");
        let mut dearer = page(&shop, 0..20, Some("x"));
        dearer.products[3].price.minor += 1;
        assert!(!is_page(&shop, 0, &dearer));
    }
}
