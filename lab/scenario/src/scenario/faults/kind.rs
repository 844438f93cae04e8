//! The kinds of faults: their parameters in a file, and in words.

use std::{fmt, ops::Range, time::Duration};

use proxy::{Directions, Distribution, Latency};
use serde::{Deserialize, Serialize};
use statistics::numbers::trimmed;
use toml::Spanned;

use super::super::{ScenarioFault, fault::Source};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// All its processes are killed (SIGKILL), and started again when the fault ends; a backing keeps its data.
    Kill,
    /// All its processes are stopped and keep their connections, as on a machine that stalls; then they resume.
    Freeze,
    /// The process answers this share of the calls to it with an error.
    Errors {
        /// Above 0, at most 1.
        share: f64,
        /// What it replies instead.
        reply: ErrorReply,
        /// The seed by which the failing calls are drawn.
        seed: u64,
    },
    /// Something happens to its links.
    Link {
        /// What.
        kind: proxy::FaultKind,
        /// In which directions; `to` are requests, `from` are replies.
        directions: Directions,
    },
}

/// The reply to a call that the fault `errors` fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorReply {
    /// 503, or gRPC's `UNAVAILABLE`: the caller may try again.
    #[default]
    Unavailable,
    /// 500, or gRPC's `INTERNAL`.
    Internal,
}

impl ErrorReply {
    /// The name in a scenario file, and in the order to a process.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }
}

/// The same, as a word in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum What {
    Kill,
    Freeze,
    Slow,
    Errors,
    Reset,
    Blackhole,
    Partition,
    Throttle,
    Flap,
}

/// The parameters of all kinds.
#[derive(Default)]
pub(super) struct Parameters<'f> {
    pub(super) latency_ms: Option<&'f Spanned<f64>>,
    pub(super) latency: Option<&'f Spanned<Distribution>>,
    pub(super) share: Option<&'f Spanned<f64>>,
    pub(super) reply: Option<&'f Spanned<ErrorReply>>,
    pub(super) bytes_per_second: Option<&'f Spanned<u64>>,
    pub(super) reads: Option<&'f Spanned<bool>>,
    pub(super) down_ms: Option<&'f Spanned<u64>>,
    pub(super) up_ms: Option<&'f Spanned<u64>>,
    pub(super) direction: Option<&'f Spanned<Directions>>,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::Slow => "slow",
            Self::Errors => "errors",
            Self::Reset => "reset",
            Self::Blackhole => "blackhole",
            Self::Partition => "partition",
            Self::Throttle => "throttle",
            Self::Flap => "flap",
        }
    }

    /// The parameters that it takes.
    fn takes(self) -> &'static [&'static str] {
        match self {
            Self::Kill | Self::Freeze | Self::Reset => &[],
            Self::Slow => &["latency_ms", "latency", "direction"],
            Self::Errors => &["share", "reply"],
            Self::Blackhole => &["reads", "direction"],
            Self::Partition => &["direction"],
            Self::Throttle => &["bytes_per_second", "direction"],
            Self::Flap => &["down_ms", "up_ms", "direction"],
        }
    }
}

impl Parameters<'_> {
    fn given(&self) -> impl Iterator<Item = (&'static str, Range<usize>)> {
        let span = |name, given: Option<Range<usize>>| given.map(|span| (name, span));
        [
            span("latency_ms", self.latency_ms.map(Spanned::span)),
            span("latency", self.latency.map(Spanned::span)),
            span("share", self.share.map(Spanned::span)),
            span("reply", self.reply.map(Spanned::span)),
            span("bytes_per_second", self.bytes_per_second.map(Spanned::span)),
            span("reads", self.reads.map(Spanned::span)),
            span("down_ms", self.down_ms.map(Spanned::span)),
            span("up_ms", self.up_ms.map(Spanned::span)),
            span("direction", self.direction.map(Spanned::span)),
        ]
        .into_iter()
        .flatten()
    }
}

/// The kind with its parameters, all of them and no others.
pub(super) fn checked(
    source: &Source<'_>,
    what: &Spanned<What>,
    given: &Parameters<'_>,
) -> Result<FaultKind, ScenarioFault> {
    let (word, span) = (*what.get_ref(), what.span());
    let takes = word.takes();
    if let Some((stray, span)) = given.given().find(|(name, _)| !takes.contains(name)) {
        let hint = match takes {
            [] => format!("take it out: `{}` takes none", word.name()),
            takes => format!("`{}` takes `{}`", word.name(), takes.join("`, `")),
        };
        return Err(source.at(&span, format!("`{stray}` is no parameter of `{}`", word.name()), hint));
    }
    let needed = |name: &str, example: &str| {
        source.at(&span, format!("`{}` needs `{name}`", word.name()), format!("add `{name} = {example}`"))
    };
    let kind = match word {
        What::Kill => return Ok(FaultKind::Kill),
        What::Freeze => return Ok(FaultKind::Freeze),
        What::Errors => {
            let share = share(source, given.share.ok_or_else(|| needed("share", "0.2"))?)?;
            let reply = given.reply.map(|reply| *reply.get_ref()).unwrap_or_default();
            return Ok(FaultKind::Errors { share, reply, seed: 0 });
        }
        What::Slow => {
            proxy::FaultKind::Latency(Latency { distribution: distribution(source, &span, given)?, seed: 0 })
        }
        What::Reset => proxy::FaultKind::Reset,
        What::Partition => proxy::FaultKind::Partition,
        What::Blackhole => {
            proxy::FaultKind::Blackhole { reads: given.reads.is_none_or(|reads| *reads.get_ref()) }
        }
        What::Throttle => {
            let rate = given.bytes_per_second.ok_or_else(|| needed("bytes_per_second", "100_000"))?;
            proxy::FaultKind::Throttle { bytes_per_second: *rate.get_ref() }
        }
        What::Flap => {
            let down = given.down_ms.ok_or_else(|| needed("down_ms", "200"))?;
            let up = given.up_ms.ok_or_else(|| needed("up_ms", "800"))?;
            proxy::FaultKind::Flap { down_ms: *down.get_ref(), up_ms: *up.get_ref() }
        }
    };
    if let Err(invalid) = kind.validate() {
        let span = given.given().next().map_or(span, |(_, span)| span);
        return Err(source.at(&span, invalid.to_string(), None));
    }
    let directions = given.direction.map(|direction| *direction.get_ref()).unwrap_or_default();
    Ok(FaultKind::Link { kind, directions })
}

fn share(source: &Source<'_>, given: &Spanned<f64>) -> Result<f64, ScenarioFault> {
    let share = *given.get_ref();
    if share > 0.0 && share <= 1.0 {
        return Ok(share);
    }
    let hint = "0.2 is a fifth of the calls, 1 is all".to_owned();
    Err(source.at(&given.span(), format!("`share` is {share}: expected above 0 and at most 1"), hint))
}

/// A fixed latency as a number, or a distribution.
fn distribution(
    source: &Source<'_>,
    span: &Range<usize>,
    given: &Parameters<'_>,
) -> Result<Distribution, ScenarioFault> {
    match (given.latency_ms, given.latency) {
        (Some(ms), None) => Ok(Distribution::Constant { ms: *ms.get_ref() }),
        (None, Some(latency)) => Ok(*latency.get_ref()),
        (Some(_), Some(latency)) => {
            let hint = "`latency_ms` is always the same; take one of them out".to_owned();
            Err(source.at(&latency.span(), "`latency` and `latency_ms` exclude each other", hint))
        }
        (None, None) => {
            let hint =
                "add `latency_ms = 50`, or `latency = { uniform = { from_ms = 10, to_ms = 50 } }`".to_owned();
            Err(source.at(span, "`slow` needs `latency_ms` or `latency`", hint))
        }
    }
}

impl FaultKind {
    /// The name in a scenario file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Freeze => "freeze",
            Self::Errors { .. } => "errors",
            Self::Link { kind: proxy::FaultKind::Latency(_), .. } => "slow",
            Self::Link { kind, .. } => kind.name(),
        }
    }

    /// The parameters in words: `by 50 ms for requests only`; empty if there are none.
    pub fn detail(&self) -> String {
        match self {
            Self::Kill | Self::Freeze => String::new(),
            Self::Errors { share, reply, .. } => {
                let share =
                    if *share < 1.0 { format!("{} % of", trimmed(share * 100.0)) } else { "all".to_owned() };
                format!("{share} calls to it as `{}`", reply.name())
            }
            Self::Link { kind, directions } => {
                let only = match directions {
                    // A round trip takes it twice.
                    Directions::Both => {
                        matches!(kind, proxy::FaultKind::Latency(_)).then(|| "each way".to_owned())
                    }
                    Directions::To => Some("for requests only".to_owned()),
                    Directions::From => Some("for replies only".to_owned()),
                };
                parameters(kind).into_iter().chain(only).collect::<Vec<_>>().join(" ")
            }
        }
    }

    /// Whether it is of links: the target's own, or all that lead to it.
    pub fn is_of_links(&self) -> bool {
        matches!(self, Self::Link { .. })
    }

    /// The same with the seed of its random numbers, if it draws any.
    #[must_use]
    pub fn seeded(self, seed: u64) -> Self {
        match self {
            Self::Link { kind: proxy::FaultKind::Latency(latency), directions } => {
                Self::Link { kind: proxy::FaultKind::Latency(Latency { seed, ..latency }), directions }
            }
            Self::Errors { share, reply, .. } => Self::Errors { share, reply, seed },
            other => other,
        }
    }

    fn done(&self) -> &'static str {
        match self {
            Self::Kill => "down after a kill",
            Self::Freeze => "frozen",
            Self::Errors { .. } => "failing",
            Self::Link { kind, .. } => match kind {
                proxy::FaultKind::Latency(_) => "slowed",
                proxy::FaultKind::Throttle { .. } => "throttled",
                proxy::FaultKind::Blackhole { .. } => "a blackhole",
                proxy::FaultKind::Partition => "partitioned",
                proxy::FaultKind::Reset => "reset",
                proxy::FaultKind::Refuse => "refused",
                proxy::FaultKind::Flap { .. } => "flapping",
            },
        }
    }
}

impl fmt::Display for FaultKind {
    /// `slowed by 50 ms for requests only`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.done())?;
        match self.detail() {
            detail if detail.is_empty() => Ok(()),
            detail => write!(formatter, " {detail}"),
        }
    }
}

fn parameters(kind: &proxy::FaultKind) -> Option<String> {
    match kind {
        proxy::FaultKind::Latency(latency) => Some(match latency.distribution {
            Distribution::Constant { ms } => format!("by {} ms", trimmed(ms)),
            Distribution::Uniform { from_ms, to_ms } => {
                format!("by {} to {} ms", trimmed(from_ms), trimmed(to_ms))
            }
            Distribution::Normal { mean_ms, deviation_ms } => {
                format!(
                    "by {} ms with a standard deviation of {} ms",
                    trimmed(mean_ms),
                    trimmed(deviation_ms)
                )
            }
            Distribution::Pareto { least_ms, shape } => {
                format!("by at least {} ms with a Pareto tail of shape {}", trimmed(least_ms), trimmed(shape))
            }
        }),
        proxy::FaultKind::Throttle { bytes_per_second } => {
            Some(format!("to {bytes_per_second} bytes a second"))
        }
        proxy::FaultKind::Blackhole { reads: false } => Some("that does not read".to_owned()),
        proxy::FaultKind::Flap { down_ms, up_ms } => {
            Some(format!("with {down_ms} ms down and {up_ms} ms up"))
        }
        _ => None,
    }
}

/// How long a fault is in force; at least a millisecond.
pub(super) fn lasts(source: &Source<'_>, given: &Spanned<u64>) -> Result<Duration, ScenarioFault> {
    match *given.get_ref() {
        0 => Err(source.at(&given.span(), "a fault lasts: `for_ms` is at least 1", None)),
        ms => Ok(Duration::from_millis(ms)),
    }
}
