//! Which of several servers a connection comes back to: the option `sessions` of the journeys, which an experiment takes from
//! its arm's axis of that name.

use std::str::FromStr;

use crate::journeys::OptionShape;

/// Which of several servers a connection comes back to.
pub const SESSIONS: OptionShape = OptionShape {
    name: "sessions",
    summary: "which of several gateways a connection comes back to: its own while that can be reached, or the next one [default: the arm's axis `sessions`, or sticky]",
    values: "sticky or any",
    accepts: |text| text.parse::<Sessions>().is_ok(),
};

/// Which of several servers a connection comes back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sessions {
    /// The same, while it can be reached.
    Sticky,
    /// The next one each time.
    Any,
}

impl FromStr for Sessions {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "sticky" => Ok(Self::Sticky),
            "any" => Ok(Self::Any),
            _ => Err(()),
        }
    }
}
