//! Values that messages of several components hold.

use cart::{Money, OrderedLine, PercentOff, ProductId, ProductIds, Refusal, Step, Version};
use remote::{Codec, Malformed, Many, Uuid};

use crate::remotes::proto::v1::{self as values, RefusalReason};

remote::messages! { values:
    Money as Money { minor, currency }
    OrderedLine as OrderedLine { product as product_id by Uuid, quantity }
    ProductIds as ProductIds { 0 as ids by Many<Uuid> }
}

/// Encodes a version as its number.
pub(super) struct VersionNumber;

impl Codec<Version, u64> for VersionNumber {
    fn write(version: Version) -> u64 {
        version.0
    }

    fn read(_: &'static str, number: u64) -> Result<Version, Malformed> {
        Ok(Version(number))
    }
}

/// Encodes an enum without fields as the number of its counterpart; the number 0 and unknown ones are malformed.
pub(super) struct Number;

/// Which variants of the two enums are the same.
macro_rules! numbers {
    ($( $Type:ty as $Message:path { $($Variant:ident),+ } )+) => { $(
        impl remote::Codec<$Type, i32> for $crate::remotes::messages::values::Number {
            fn write(value: $Type) -> i32 {
                type Value = $Type;
                use $Message as Message;
                match value { $( Value::$Variant => Message::$Variant.into() ),+ }
            }

            fn read(field: &'static str, number: i32) -> Result<$Type, remote::Malformed> {
                type Value = $Type;
                use $Message as Message;
                match Message::try_from(number) {
                    $( Ok(Message::$Variant) => Ok(Value::$Variant), )+
                    Ok(Message::Unspecified) | Err(_) => Err(remote::Malformed::new(field, "it is required")),
                }
            }
        }
    )+ };
}
pub(super) use numbers;

numbers! {
    Step as values::Step { Reserve, Redeem, Authorise, Capture, Commit }
}

pub(super) fn percent(basis_points: u32) -> Result<PercentOff, Malformed> {
    Malformed::field("percent", PercentOff::try_from(basis_points))
}

pub(super) fn amount(field: &'static str, money: values::Money) -> Result<Money, Malformed> {
    Malformed::field(field, Money::try_from(money))
}

impl From<Refusal> for values::Refusal {
    fn from(refusal: Refusal) -> Self {
        let mut shortage = None;
        let reason = match refusal {
            Refusal::OutOfStock { product, left } => {
                shortage = Some(values::Shortage { product_id: Uuid::write(product), left });
                RefusalReason::OutOfStock
            }
            Refusal::NotReserved => RefusalReason::NotReserved,
            Refusal::VoucherUnknown => RefusalReason::VoucherUnknown,
            Refusal::VoucherUsedUp => RefusalReason::VoucherUsedUp,
            Refusal::VoucherUsedByCustomer => RefusalReason::VoucherUsedByCustomer,
            Refusal::PaymentDeclined => RefusalReason::PaymentDeclined,
            Refusal::InsufficientFunds => RefusalReason::InsufficientFunds,
            Refusal::AuthorisationExpired => RefusalReason::AuthorisationExpired,
            Refusal::NothingPaid => RefusalReason::NothingPaid,
            Refusal::ExceedsPayment => RefusalReason::ExceedsPayment,
            Refusal::Cancelled => RefusalReason::Cancelled,
            Refusal::TimedOut => RefusalReason::TimedOut,
        };
        Self { reason: reason.into(), shortage }
    }
}

impl TryFrom<values::Refusal> for Refusal {
    type Error = Malformed;

    fn try_from(message: values::Refusal) -> Result<Self, Malformed> {
        Ok(match message.reason() {
            RefusalReason::OutOfStock => {
                let shortage = Malformed::required("shortage", message.shortage)?;
                let product: ProductId = Uuid::read("product_id", shortage.product_id)?;
                Self::OutOfStock { product, left: shortage.left }
            }
            RefusalReason::NotReserved => Self::NotReserved,
            RefusalReason::VoucherUnknown => Self::VoucherUnknown,
            RefusalReason::VoucherUsedUp => Self::VoucherUsedUp,
            RefusalReason::VoucherUsedByCustomer => Self::VoucherUsedByCustomer,
            RefusalReason::PaymentDeclined => Self::PaymentDeclined,
            RefusalReason::InsufficientFunds => Self::InsufficientFunds,
            RefusalReason::AuthorisationExpired => Self::AuthorisationExpired,
            RefusalReason::NothingPaid => Self::NothingPaid,
            RefusalReason::ExceedsPayment => Self::ExceedsPayment,
            RefusalReason::Cancelled => Self::Cancelled,
            RefusalReason::TimedOut => Self::TimedOut,
            RefusalReason::Unspecified => return Err(Malformed::new("reason", "it is required")),
        })
    }
}
