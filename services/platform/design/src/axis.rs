//! An axis: an enum whose variants are its values, and the table that is drawn, listed and parsed from.

use crate::BackingKind;

/// One dimension of a wiring, as a table. A scenario varies one (the factor, or independent variable, of an experiment) and holds
/// all others (its control variables).
pub struct Axis {
    /// The word in a scenario file: `cache`.
    pub name: &'static str,
    /// The question that the axis answers, one sentence.
    pub summary: &'static str,
    /// The values, the default first.
    pub values: &'static [Value],
    /// What stands for the values beyond that list: `0 to 1`. Most axes have none.
    pub ranges: &'static [Value],
    /// The name of the row, in one list or the other, that a text is a value of.
    pub parse: fn(&str) -> Option<&'static str>,
}

/// One value of an axis, as a row of its table.
pub struct Value {
    /// The word in a scenario file.
    pub name: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// A negative control is known to break a promise, and why; the ledger or the figures have to show it.
    pub control: Option<&'static str>,
    /// The store or broker that it needs.
    pub needs: Option<BackingKind>,
}

impl Value {
    /// A value that keeps the system's promises, and needs nothing.
    pub const fn new(name: &'static str, summary: &'static str) -> Self {
        Self { name, summary, control: None, needs: None }
    }

    /// A negative control: `breaks` says which promise it breaks and when.
    #[must_use]
    pub const fn but(self, breaks: &'static str) -> Self {
        Self { control: Some(breaks), ..self }
    }

    /// A value that needs a store or broker.
    #[must_use]
    pub const fn needs(self, kind: BackingKind) -> Self {
        Self { needs: Some(kind), ..self }
    }
}

/// A value of one axis, typed: what [`axis!`](crate::axis!) makes, and [`Wiring::choice`](crate::Wiring::choice) gives.
pub trait Choice: Copy + PartialEq + 'static {
    /// The axis.
    const AXIS: Axis;

    /// The value that a text stands for, if it stands for one.
    fn parse(text: &str) -> Option<Self>;
}

/// Makes an axis: an enum with a variant for each value, the default first, and its table.
///
/// What stands above it is its question. A value says its name, its summary, after `but` which promise it breaks (then it
/// is a negative control), and after `needs` which store or broker it needs. Values beyond the list stand last, after
/// `..`: a variant with a type that is parsed, and what a reader is shown in place of all these values.
///
/// ```
/// design::axis! {
///     /// Where is a session kept?
///     pub enum Sessions = "sessions" {
///         Memory = "memory" => "in the process" but "all are lost when it ends",
///         Redis = "redis" => "in a Redis server that all processes share" needs Redis,
///         .. Processes(u8) = "0 to 255" => "in so many processes, such as `3`",
///     }
/// }
/// # use design::Choice as _;
/// # assert_eq!(Sessions::parse("redis"), Some(Sessions::Redis));
/// # assert_eq!(Sessions::parse("3").map(Sessions::name), Some("0 to 255"));
/// ```
///
/// is expanded to
///
/// ```ignore
/// /// Where is a session kept?
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// pub enum Sessions {
///     /// in the process
///     Memory,
///     /// in a Redis server that all processes share
///     Redis,
///     /// in so many processes, such as `3`
///     Processes(u8),
/// }
///
/// impl Sessions {
///     /// Its name in the axis's table.
///     pub const fn name(self) -> &'static str {
///         match self { Self::Memory => "memory", Self::Redis => "redis", Self::Processes(_) => "0 to 255" }
///     }
/// }
///
/// impl design::Choice for Sessions {
///     const AXIS: Axis = Axis {
///         name: "sessions",
///         summary: "Where is a session kept?",
///         values: &[
///             Value::new(Self::Memory.name(), "in the process").but("all are lost when it ends"),
///             Value::new(Self::Redis.name(), "in a Redis server that all processes share").needs(BackingKind::Redis),
///         ],
///         ranges: &[Value::new("0 to 255", "in so many processes, such as `3`")],
///         parse: |text| Self::parse(text).map(Self::name),
///     };
///
///     fn parse(text: &str) -> Option<Self> {
///         match text { "memory" => Some(Self::Memory), "redis" => Some(Self::Redis), _ => None }
///             .or_else(|| text.parse().ok().map(Self::Processes))
///     }
/// }
/// ```
///
/// A `match` over it names every value, so what does not handle one does not compile:
///
/// ```compile_fail,E0004
/// # design::axis! {
/// #     /// Where is a session kept?
/// #     pub enum Sessions = "sessions" {
/// #         Memory = "memory" => "in the process",
/// #         Redis = "redis" => "in a Redis server",
/// #     }
/// # }
/// fn outlives_its_process(sessions: Sessions) -> bool {
///     match sessions {
///         Sessions::Memory => false,
///     }
/// }
/// ```
#[macro_export]
macro_rules! axis {
    (
        $(#[doc = $question:literal])+
        $shown:vis enum $Axis:ident = $axis:literal {
            $( $Value:ident = $name:literal => $summary:literal $(but $breaks:literal)? $(needs $kind:ident)?, )+
            $( .. $Range:ident($inner:ty) = $range:literal => $each:literal, )?
        }
    ) => {
        $(#[doc = $question])+
        #[derive(Clone, Copy, Debug, PartialEq)]
        $shown enum $Axis {
            $( #[doc = $summary] $Value, )+
            $( #[doc = $each] $Range($inner), )?
        }

        impl $Axis {
            /// Its name in the axis's table.
            $shown const fn name(self) -> &'static str {
                match self {
                    $( Self::$Value => $name, )+
                    $( Self::$Range(_) => $range, )?
                }
            }
        }

        impl $crate::Choice for $Axis {
            const AXIS: $crate::Axis = $crate::Axis {
                name: $axis,
                summary: concat!($($question),+).trim_ascii(),
                values: &[ $(
                    $crate::Value::new(Self::$Value.name(), $summary)
                        $(.but($breaks))?
                        $(.needs($crate::BackingKind::$kind))?
                ),+ ],
                ranges: &[ $( $crate::Value::new($range, $each) )? ],
                parse: |text| <Self as $crate::Choice>::parse(text).map(Self::name),
            };

            fn parse(text: &str) -> Option<Self> {
                match text {
                    $( $name => Some(Self::$Value), )+
                    _ => None,
                }
                $( .or_else(|| text.parse().ok().map(Self::$Range)) )?
            }
        }
    };
}
