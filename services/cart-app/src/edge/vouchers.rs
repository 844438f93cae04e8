//! Vouchers.

use std::sync::Arc;

use axum::{Json, extract::State};
use cart::{Discount, PercentOff, Voucher, VoucherCode, VoucherStanding};
use runtime::edge::{JsonBody, Problem};
use serde::{Deserialize, Serialize};
use utoipa::{PartialSchema as _, ToSchema};

use super::{
    MAX_BODY_BYTES, Parts,
    body::{MoneyAsked, MoneyShown},
    parameters::ByVoucher,
    problems::of_vouchers,
    schemas,
    whole::Whole,
};

/// The body of `PUT /vouchers/{voucher}`: it takes off a share or an amount.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct VoucherAsked {
    #[serde(default)]
    #[schema(schema_with = schemas::Percent::schema, required = false)]
    percent_off: Option<Whole>,
    /// The amount that it takes off the order. It or `percent_off`.
    #[serde(default)]
    amount_off: Option<AmountAsked>,
    #[schema(schema_with = schemas::Uses::schema)]
    uses: Whole,
    #[schema(schema_with = schemas::Uses::schema)]
    uses_by_customer: Whole,
}

/// An amount that a voucher takes off.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AmountAsked {
    #[schema(schema_with = schemas::AmountMinor::schema)]
    minor: Whole,
    #[schema(schema_with = schemas::CurrencyCode::schema)]
    currency: String,
}

impl VoucherAsked {
    fn parse(self, code: VoucherCode) -> Result<Voucher, Problem> {
        let discount = match (self.percent_off, self.amount_off) {
            (Some(percent), None) => {
                let percent = PercentOff::new(percent.or(0));
                Discount::Percent(percent.map_err(|error| Problem::invalid("percent_off", &error))?)
            }
            (None, Some(AmountAsked { minor, currency })) => {
                Discount::Amount(MoneyAsked { minor, currency }.parse("amount_off")?)
            }
            (Some(_), Some(_)) | (None, None) => {
                let detail = "a voucher has either `percent_off` or `amount_off`".to_owned();
                return Err(Problem::unprocessable("invalid-discount", "Invalid discount", detail));
            }
        };
        Ok(Voucher { code, discount, uses: self.uses.or(0), uses_by_customer: self.uses_by_customer.or(0) })
    }
}

/// A voucher.
#[derive(Serialize, ToSchema)]
pub(super) struct VoucherShown {
    #[schema(schema_with = schemas::Code::schema)]
    code: String,
    /// What it takes off each line, in basis points.
    #[schema(schema_with = schemas::Percent::schema)]
    percent_off: Option<u16>,
    /// What it takes off the order.
    amount_off: Option<MoneyShown>,
    /// How often it may be used.
    uses: u32,
    /// How often each customer may use it.
    uses_by_customer: u32,
    /// The uses that were not given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<u32>,
}

impl VoucherShown {
    fn new(voucher: Voucher, used: Option<u32>) -> Self {
        let (percent_off, amount_off) = match voucher.discount {
            Discount::Percent(percent) => (Some(percent.basis_points()), None),
            Discount::Amount(amount) => (None, Some(amount.into())),
        };
        let Voucher { code, uses, uses_by_customer, .. } = voucher;
        Self { code: code.into(), percent_off, amount_off, uses, uses_by_customer, used }
    }
}

type VoucherBody = JsonBody<VoucherAsked, MAX_BODY_BYTES>;

/// Issues a voucher; the same one again changes nothing.
#[utoipa::path(put, path = "/vouchers/{voucher}", params(ByVoucher), request_body = VoucherAsked, responses(
    Problem,
    VoucherBody,
    (status = 200, description = "The voucher", body = VoucherShown),
    (status = 404, description = "The path is not a valid code"),
    (status = 409, description = "Another voucher has the code"),
    (status = 422, description = "A value is not acceptable"),
))]
pub(super) async fn issue(
    State(shop): State<Arc<Parts>>,
    ByVoucher(code): ByVoucher,
    JsonBody(asked): VoucherBody,
) -> Result<Json<VoucherShown>, Problem> {
    let voucher = shop.vouchers.issue(asked.parse(code)?).await.map_err(of_vouchers)?;
    Ok(Json(VoucherShown::new(voucher, None)))
}

/// Shows a voucher and how often it was used.
#[utoipa::path(get, path = "/vouchers/{voucher}", params(ByVoucher), responses(
    Problem,
    (status = 200, description = "The voucher and its uses", body = VoucherShown),
    (status = 404, description = "There is no such voucher"),
))]
pub(super) async fn show(
    State(shop): State<Arc<Parts>>,
    ByVoucher(code): ByVoucher,
) -> Result<Json<VoucherShown>, Problem> {
    let VoucherStanding { voucher, used } = shop.vouchers.voucher(code).await.map_err(of_vouchers)?;
    Ok(Json(VoucherShown::new(voucher, Some(used))))
}
