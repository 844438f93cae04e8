//! The table that maps types of a contract to protobuf messages and back.

use std::{collections::BTreeMap, fmt::Display, marker::PhantomData, time::Duration};

use contract::Timestamp;

use crate::Malformed;

/// The encoding of a value `T` as the message field `W`.
pub trait Codec<T, W> {
    /// Encodes a value.
    fn write(value: T) -> W;

    /// Decodes a field; the error names the field.
    fn read(field: &'static str, held: W) -> Result<T, Malformed>;
}

/// The types' own `From` and `TryFrom`.
#[derive(Debug)]
pub struct Plain;

impl<T, W> Codec<T, W> for Plain
where
    W: From<T>,
    T: TryFrom<W>,
    T::Error: Display,
{
    fn write(value: T) -> W {
        value.into()
    }

    fn read(field: &'static str, held: W) -> Result<T, Malformed> {
        Malformed::field(field, held.try_into())
    }
}

/// A required message: protobuf makes every message field optional.
#[derive(Debug)]
pub struct Required<C = Plain>(PhantomData<C>);

impl<T, W, C: Codec<T, W>> Codec<T, Option<W>> for Required<C> {
    fn write(value: T) -> Option<W> {
        Some(C::write(value))
    }

    fn read(field: &'static str, held: Option<W>) -> Result<T, Malformed> {
        C::read(field, Malformed::required(field, held)?)
    }
}

/// An optional field.
#[derive(Debug)]
pub struct Optional<C = Plain>(PhantomData<C>);

impl<T, W, C: Codec<T, W>> Codec<Option<T>, Option<W>> for Optional<C> {
    fn write(value: Option<T>) -> Option<W> {
        value.map(C::write)
    }

    fn read(field: &'static str, held: Option<W>) -> Result<Option<T>, Malformed> {
        held.map(|held| C::read(field, held)).transpose()
    }
}

/// A repeated field.
#[derive(Debug)]
pub struct Many<C = Plain>(PhantomData<C>);

impl<T, W, C: Codec<T, W>> Codec<Vec<T>, Vec<W>> for Many<C> {
    fn write(values: Vec<T>) -> Vec<W> {
        values.into_iter().map(C::write).collect()
    }

    fn read(field: &'static str, held: Vec<W>) -> Result<Vec<T>, Malformed> {
        held.into_iter().map(|held| C::read(field, held)).collect()
    }
}

/// A map field.
#[derive(Debug)]
pub struct Map<K = Plain, V = Plain>(PhantomData<(K, V)>);

impl<T, U, W, X, K, V> Codec<BTreeMap<T, U>, BTreeMap<W, X>> for Map<K, V>
where
    T: Ord,
    W: Ord,
    K: Codec<T, W>,
    V: Codec<U, X>,
{
    fn write(values: BTreeMap<T, U>) -> BTreeMap<W, X> {
        values.into_iter().map(|(key, value)| (K::write(key), V::write(value))).collect()
    }

    fn read(field: &'static str, held: BTreeMap<W, X>) -> Result<BTreeMap<T, U>, Malformed> {
        held.into_iter().map(|(key, held)| Ok((K::read(field, key)?, V::read(field, held)?))).collect()
    }
}

/// A duration in nanoseconds, saturating at `u64::MAX` (584 years).
#[derive(Debug)]
pub struct Nanos;

impl Codec<Duration, u64> for Nanos {
    fn write(duration: Duration) -> u64 {
        u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
    }

    fn read(_: &'static str, nanos: u64) -> Result<Duration, Malformed> {
        Ok(Duration::from_nanos(nanos))
    }
}

/// A timestamp in milliseconds since 1970-01-01 00:00 UTC.
#[derive(Debug)]
pub struct UnixMillis;

impl Codec<Timestamp, u64> for UnixMillis {
    fn write(moment: Timestamp) -> u64 {
        moment.millis()
    }

    fn read(_: &'static str, millis: u64) -> Result<Timestamp, Malformed> {
        Ok(Timestamp::from_millis(millis))
    }
}

/// A 128-bit id as the 16 bytes of a UUID, big-endian.
#[derive(Debug)]
pub struct Uuid;

impl<T: From<u128> + Into<u128>> Codec<T, Vec<u8>> for Uuid {
    fn write(id: T) -> Vec<u8> {
        id.into().to_be_bytes().to_vec()
    }

    fn read(field: &'static str, bytes: Vec<u8>) -> Result<T, Malformed> {
        let bits = bytes.try_into().map(u128::from_be_bytes);
        bits.map(T::from).map_err(|_| Malformed::new(field, "a UUID is 16 bytes"))
    }
}

/// Implements `From` for protobuf messages, and `TryFrom` for the types of the contract, which fails if a message
/// violates the contract.
///
/// ```ignore
/// messages! { proto:
///     Shorten as ShortenRequest { target, alias by Optional, expires_at as expires_at_ms by Optional<UnixMillis>, key }
///     Code as ResolveRequest.code;
/// }
/// ```
///
/// A message holds a type field by field, or as a whole in one field. A field has the same name on both
/// sides, or is `of_the_type as of_the_message`. A [`Codec`](crate::Codec) encodes it,
/// [`Plain`](crate::Plain) by default. A field that is missing on either side is a compile error.
#[macro_export]
macro_rules! messages {
    (@codec) => { $crate::Plain };
    (@codec $codec:ty) => { $codec };
    (@fields $proto:ident $value:ty, $message:ident, $(
        [$own:tt ($field:tt $($same:tt)?) $($codec:ty)?]
    )*) => {
        impl From<$value> for $proto::$message {
            fn from(value: $value) -> Self {
                // Silences the unused-variable warning for a type without fields.
                let _ = &value;
                Self { $( $field: <$crate::messages!(@codec $($codec)?) as $crate::Codec<_, _>>::write(value.$own) ),* }
            }
        }

        impl TryFrom<$proto::$message> for $value {
            type Error = $crate::Malformed;

            fn try_from(message: $proto::$message) -> Result<Self, $crate::Malformed> {
                type Value = $value;
                let $proto::$message { $( $field ),* } = message;
                Ok(Value { $(
                    $own: <$crate::messages!(@codec $($codec)?) as $crate::Codec<_, _>>::read(stringify!($field), $field)?
                ),* })
            }
        }
    };
    ($proto:ident:) => {};
    ($proto:ident: $value:ty as $message:ident . $field:ident $(by $codec:ty)?; $($rest:tt)*) => {
        impl From<$value> for $proto::$message {
            fn from(value: $value) -> Self {
                Self { $field: <$crate::messages!(@codec $($codec)?) as $crate::Codec<_, _>>::write(value) }
            }
        }

        impl TryFrom<$proto::$message> for $value {
            type Error = $crate::Malformed;

            fn try_from(message: $proto::$message) -> Result<Self, $crate::Malformed> {
                <$crate::messages!(@codec $($codec)?) as $crate::Codec<_, _>>::read(stringify!($field), message.$field)
            }
        }

        $crate::messages! { $proto: $($rest)* }
    };
    (
        $proto:ident: $value:ty as $message:ident {
            $( $own:tt $(as $field:ident)? $(by $codec:ty)? ),* $(,)?
        }
        $($rest:tt)*
    ) => {
        $crate::messages! {
            @fields $proto $value, $message, $( [$own ($($field)? $own) $($codec)?] )*
        }
        $crate::messages! { $proto: $($rest)* }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    mod proto {
        #[derive(Clone, Debug, PartialEq)]
        pub(super) struct Order {
            pub(super) id: Vec<u8>,
            pub(super) item: Option<Item>,
            pub(super) within_ns: u64,
            pub(super) notes: Vec<u32>,
        }

        #[derive(Clone, Debug, PartialEq)]
        pub(super) struct Item {
            pub(super) pieces: u32,
        }
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Order {
        id: u128,
        item: Item,
        within: Duration,
        notes: Vec<u8>,
    }

    #[derive(Clone, Debug, PartialEq)]
    struct Item(u8);

    messages! { proto:
        Order as Order { id by Uuid, item by Required, within as within_ns by Nanos, notes by Many<Small> }
        Item as Item { 0 as pieces by Small }
    }

    struct Small;

    impl Codec<u8, u32> for Small {
        fn write(value: u8) -> u32 {
            value.into()
        }

        fn read(field: &'static str, held: u32) -> Result<u8, Malformed> {
            Malformed::field(field, held.try_into())
        }
    }

    #[test]
    fn a_type_comes_back_from_its_message() {
        let order = Order { id: 7, item: Item(2), within: Duration::from_nanos(1), notes: vec![3, 4] };
        let message = proto::Order::from(order.clone());
        assert_eq!((message.id[15], message.within_ns, &message.notes[..]), (7, 1, &[3, 4][..]));
        assert_eq!(Order::try_from(message), Ok(order));
    }

    #[test]
    fn a_message_that_holds_no_type_names_the_field_step_by_step() {
        let order = Order { id: 7, item: Item(2), within: Duration::ZERO, notes: Vec::new() };
        let sound = proto::Order::from(order);
        let refused = |message: proto::Order| Order::try_from(message).expect_err("no order").to_string();
        assert_eq!(refused(proto::Order { id: vec![0; 15], ..sound.clone() }), "`id`: a UUID is 16 bytes");
        assert_eq!(refused(proto::Order { item: None, ..sound.clone() }), "`item`: it is required");
        let item = Some(proto::Item { pieces: 256 });
        assert!(refused(proto::Order { item, ..sound.clone() }).starts_with("`item`: `pieces`: "));
        assert!(refused(proto::Order { notes: vec![0, 256], ..sound }).starts_with("`notes`: "));
    }
}
