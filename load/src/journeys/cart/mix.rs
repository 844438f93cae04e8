//! The mixes: what users do.

use super::{
    purchase::REPEATING,
    workload::{BUY, CANCEL, LIST, PAGE, REPEAT, SALES, WHOLE_PAGE},
};

/// The names and summaries of the mixes, the default first.
pub const NAMES: [(&str, &str); 6] = [
    (
        "shop",
        "put two products in a cart and check out; one checkout in twenty is sent twice, and one order in fifty cancelled",
    ),
    ("browse", "70 % pages of products, 30 % lists of them; the popularity of products is skewed (Zipf)"),
    ("page", "whole pages of products: with stock, the visitor's cart and products of similar names (Zipf)"),
    ("flash-sale", "everyone buys one piece of the same product, of which there are few"),
    ("vouchers", "everyone buys with the same voucher, which has few uses and one for each customer"),
    (
        "history",
        "60 % purchases of two of four products, 40 % reads of the sales of these; then of the next four; judged as a history",
    ),
];

/// A mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// Carts of two products, checked out.
    Shop,
    /// Pages and lists.
    Browse,
    /// Whole pages.
    Page,
    /// One product, few pieces.
    FlashSale,
    /// One voucher, few uses.
    Vouchers,
    /// A few orders of each product, and reads of its sales.
    History,
}

/// The share of pages among what users look at.
const PAGES: f64 = 0.7;
/// The share of cancels in the mix `shop`.
const CANCELS: f64 = 0.02;
/// The share of reads of sales in the mix `history`.
const READS: f64 = 0.4;

impl Mix {
    /// The mix with a name from [`NAMES`]; the default for any other name.
    pub(super) fn named(name: &str) -> Self {
        match name {
            "browse" => Self::Browse,
            "page" => Self::Page,
            "flash-sale" => Self::FlashSale,
            "vouchers" => Self::Vouchers,
            "history" => Self::History,
            _ => Self::Shop,
        }
    }

    /// Each operation with its share.
    pub(super) fn shares(self) -> Vec<(&'static str, f64)> {
        let buys = |share: f64| {
            let first = share / (1.0 + 1.0 / f64::from(REPEATING));
            [(BUY, first), (REPEAT, share - first)]
        };
        match self {
            Self::Shop => [&buys(1.0 - CANCELS)[..], &[(CANCEL, CANCELS)]].concat(),
            Self::Browse => vec![(PAGE, PAGES), (LIST, 1.0 - PAGES)],
            Self::Page => vec![(WHOLE_PAGE, 1.0)],
            Self::FlashSale | Self::Vouchers => buys(1.0).to_vec(),
            Self::History => [&buys(1.0 - READS)[..], &[(SALES, READS)]].concat(),
        }
    }

    /// The operation that a number from 0 to 1 stands for.
    pub(super) fn pick(self, drawn: f64) -> &'static str {
        match self {
            Self::Shop if drawn < CANCELS => CANCEL,
            Self::Browse if drawn < PAGES => PAGE,
            Self::Browse => LIST,
            Self::Page => WHOLE_PAGE,
            Self::History if drawn < READS => SALES,
            Self::Shop | Self::FlashSale | Self::Vouchers | Self::History => BUY,
        }
    }

    /// Whether something is bought.
    pub(super) fn buys(self) -> bool {
        !matches!(self, Self::Browse | Self::Page)
    }
}
