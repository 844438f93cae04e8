//! The faults of a link from the moment at which they were set, and what they mean for a direction at a moment.

use std::time::Duration;

use rand::Rng;
use tokio::time::Instant;

use crate::{
    fault::{Direction, Fault, FaultKind, Latency},
    token_bucket::TokenBucket,
};

/// The faults that were set on a link together.
#[derive(Debug, Default)]
pub(crate) struct FaultSet {
    in_force: Vec<InForce>,
}

#[derive(Debug)]
struct InForce {
    fault: Fault,
    since: Instant,
    until: Instant,
    /// Of a throttle, for either direction.
    buckets: Option<[TokenBucket; 2]>,
}

/// What a direction of a connection does with bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Gate {
    /// It passes them on.
    #[default]
    Open,
    /// It reads them, and they are lost.
    Discarding,
    /// It neither reads nor writes.
    Held,
}

/// What is in force on one direction at a moment.
#[derive(Debug, Default)]
pub(crate) struct Conditions<'a> {
    pub(crate) resets: bool,
    pub(crate) gate: Gate,
    pub(crate) latency: Option<&'a Latency>,
    pub(crate) throttle: Option<&'a TokenBucket>,
    /// When this changes by itself: a lease ends, or a flap goes up or down.
    pub(crate) until: Option<Instant>,
}

/// What becomes of a new connection; the later one here prevails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Admission {
    /// It is served.
    Serve,
    /// It waits until it may be served.
    Hold,
    /// It is accepted and reset.
    Reset,
    /// It is not accepted.
    Refuse,
}

impl FaultSet {
    /// Valid faults, in force from now on.
    pub(crate) fn new(faults: &[Fault], now: Instant) -> Self {
        let in_force = faults.iter().map(|&fault| InForce::new(fault, now)).collect();
        Self { in_force }
    }

    /// What is in force on a direction.
    pub(crate) fn at(&self, direction: Direction, now: Instant) -> Conditions<'_> {
        let mut conditions = Conditions::default();
        for force in self.in_force.iter().filter(|force| now < force.until) {
            conditions.until = earlier(conditions.until, Some(force.changes(now)));
            if force.fault.directions.cover(direction) {
                force.apply(direction, now, &mut conditions);
            }
        }
        conditions
    }

    /// What becomes of a new connection, and when that changes by itself.
    pub(crate) fn admission(&self, now: Instant) -> (Admission, Option<Instant>) {
        let mut admission = (Admission::Serve, None);
        for force in self.in_force.iter().filter(|force| now < force.until) {
            let until = earlier(admission.1, Some(force.changes(now)));
            admission = (admission.0.max(force.admission(now)), until);
        }
        admission
    }

    /// Whether a direction has latency.
    pub(crate) fn has_latency(&self, now: Instant) -> bool {
        [Direction::To, Direction::From].iter().any(|&one| self.at(one, now).latency.is_some())
    }

    /// How much longer a handshake takes: a round trip, one delay of either direction.
    pub(crate) fn handshake(&self, now: Instant, rng: &mut impl Rng) -> Duration {
        [Direction::To, Direction::From]
            .into_iter()
            .filter_map(|direction| self.at(direction, now).latency)
            .map(|latency| latency.distribution.draw(rng))
            .sum()
    }

    /// The faults that are in force, with the time that is left of their leases.
    pub(crate) fn left(&self, now: Instant) -> impl Iterator<Item = (Fault, Duration)> {
        let in_force = self.in_force.iter().filter(move |force| now < force.until);
        in_force.map(move |force| (force.fault, force.until - now))
    }

    /// The seed of the random numbers of a direction; zero without latency.
    pub(crate) fn seed(&self, direction: Direction, now: Instant) -> u64 {
        self.at(direction, now).latency.map_or(0, |latency| latency.seed)
    }
}

impl InForce {
    fn new(fault: Fault, now: Instant) -> Self {
        let buckets = match fault.what {
            FaultKind::Throttle { bytes_per_second } => {
                Some([(); 2].map(|()| TokenBucket::new(bytes_per_second, now)))
            }
            _ => None,
        };
        Self { fault, since: now, until: now + fault.lease(), buckets }
    }

    fn apply<'a>(&'a self, direction: Direction, now: Instant, conditions: &mut Conditions<'a>) {
        match &self.fault.what {
            FaultKind::Latency(latency) => conditions.latency = Some(latency),
            FaultKind::Throttle { .. } => {
                let index = usize::from(direction == Direction::From);
                conditions.throttle = self.buckets.as_ref().map(|buckets| &buckets[index]);
            }
            FaultKind::Blackhole { reads: true } => conditions.gate = conditions.gate.max(Gate::Discarding),
            FaultKind::Blackhole { reads: false } => conditions.gate = Gate::Held,
            FaultKind::Partition | FaultKind::Flap { .. } if self.is_cut(now) => conditions.gate = Gate::Held,
            FaultKind::Partition | FaultKind::Flap { .. } | FaultKind::Refuse => {}
            FaultKind::Reset => conditions.resets = true,
        }
    }

    fn admission(&self, now: Instant) -> Admission {
        match self.fault.what {
            // A handshake needs both directions.
            FaultKind::Partition | FaultKind::Flap { .. } if self.is_cut(now) => Admission::Hold,
            FaultKind::Reset => Admission::Reset,
            FaultKind::Refuse => Admission::Refuse,
            _ => Admission::Serve,
        }
    }

    fn is_cut(&self, now: Instant) -> bool {
        match self.fault.what {
            FaultKind::Partition => true,
            FaultKind::Flap { down_ms, .. } => self.phase(now).0 < Duration::from_millis(down_ms),
            _ => false,
        }
    }

    /// When this fault changes by itself after now.
    fn changes(&self, now: Instant) -> Instant {
        match self.fault.what {
            FaultKind::Flap { down_ms, .. } => {
                let (phase, period) = self.phase(now);
                let down = Duration::from_millis(down_ms);
                let edge = if phase < down { down } else { period };
                (now + edge.saturating_sub(phase)).min(self.until)
            }
            _ => self.until,
        }
    }

    /// The time since a flap last went down, and its period.
    fn phase(&self, now: Instant) -> (Duration, Duration) {
        let FaultKind::Flap { down_ms, up_ms } = self.fault.what else {
            return (Duration::ZERO, Duration::MAX);
        };
        let period = Duration::from_millis(down_ms + up_ms);
        let phase = now.duration_since(self.since).as_nanos() % period.as_nanos();
        // Below the period, two hours: far below 2^64 ns.
        (Duration::from_nanos(phase as u64), period)
    }
}

/// The earlier of two times, where either may be missing.
pub(crate) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.into_iter().chain(other).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Directions, Distribution};

    fn fault(what: FaultKind, directions: Directions, for_ms: u64) -> Fault {
        Fault { what, directions, for_ms }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_fault_is_in_force_on_its_directions_until_its_lease_ends() {
        let start = Instant::now();
        let set = FaultSet::new(&[fault(FaultKind::Partition, Directions::From, 100)], start);
        assert_eq!(set.at(Direction::From, start).gate, Gate::Held);
        assert_eq!(set.at(Direction::From, start).until, Some(start + ms(100)));
        assert_eq!(set.at(Direction::To, start).gate, Gate::Open);
        assert_eq!(set.at(Direction::From, start + ms(100)).gate, Gate::Open);
        assert_eq!(set.left(start + ms(40)).map(|(_, left)| left).collect::<Vec<_>>(), [ms(60)]);
        assert_eq!(set.left(start + ms(100)).count(), 0);
    }

    #[test]
    fn a_flap_is_down_first_and_knows_its_next_edge() {
        let start = Instant::now();
        let flap = FaultKind::Flap { down_ms: 30, up_ms: 70 };
        let set = FaultSet::new(&[fault(flap, Directions::Both, 250)], start);
        let at = |after| {
            let conditions = set.at(Direction::To, start + ms(after));
            (conditions.gate, conditions.until.map(|until| until - start))
        };
        assert_eq!(at(0), (Gate::Held, Some(ms(30))));
        assert_eq!(at(29), (Gate::Held, Some(ms(30))));
        assert_eq!(at(30), (Gate::Open, Some(ms(100))));
        assert_eq!(at(100), (Gate::Held, Some(ms(130))));
        assert_eq!(at(240), (Gate::Open, Some(ms(250))), "its lease ends before its edge");
        assert_eq!(at(250), (Gate::Open, None));
        assert_eq!(set.admission(start + ms(100)).0, Admission::Hold);
        assert_eq!(set.admission(start + ms(50)).0, Admission::Serve);
    }

    #[test]
    fn faults_together_keep_each_its_part_and_a_cut_prevails() {
        let start = Instant::now();
        let latency = Latency { distribution: Distribution::Constant { ms: 5.0 }, seed: 3 };
        let faults = [
            fault(FaultKind::Latency(latency), Directions::Both, 100),
            fault(FaultKind::Throttle { bytes_per_second: 10 }, Directions::To, 200),
            fault(FaultKind::Partition, Directions::To, 50),
            fault(FaultKind::Blackhole { reads: true }, Directions::Both, 100),
            fault(FaultKind::Reset, Directions::Both, 10),
        ];
        let set = FaultSet::new(&faults, start);
        let to = set.at(Direction::To, start);
        assert!(to.resets && to.latency == Some(&latency) && to.throttle.is_some());
        assert_eq!((to.gate, to.until), (Gate::Held, Some(start + ms(10))));
        assert_eq!(set.admission(start).0, Admission::Reset);
        let from = set.at(Direction::From, start + ms(10));
        assert!(!from.resets && from.throttle.is_none());
        assert_eq!((from.gate, from.until), (Gate::Discarding, Some(start + ms(50))));
        assert_eq!((set.seed(Direction::From, start), set.seed(Direction::From, start + ms(100))), (3, 0));
    }
}
