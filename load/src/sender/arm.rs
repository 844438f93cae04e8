//! One arm with its lanes, and its slices.

use std::time::Duration;

use super::{
    Arm, Check, Lane, Limits, Load, Observer, PrepareError, Progress, SenderError, Slice, SystemJourneys,
    live::{LiveLane, LiveLimits, LivePlan, Sends},
    loops,
};
use crate::{episode::Episode, ledger::LedgerVerdict, schedule::Schedule};

/// The time in which connections that are held open have to be open before the first slice, and before a later one: what is
/// not open then is opened during the slice.
const OPENED_WITHIN: [Duration; 2] = [Duration::from_secs(20), Duration::from_secs(2)];

/// An arm that is driven.
pub(super) struct DrivenArm {
    pub(super) lane: Lane,
    /// Its connections that are held open, if its journeys are live.
    live: Option<LiveLane>,
    pub(super) journeys: Box<dyn SystemJourneys>,
    /// Whether it had a slice.
    has_begun: bool,
}

impl DrivenArm {
    pub(super) fn new(arm: Arm, limits: &Limits) -> Result<Self, SenderError> {
        let Arm { target, journeys } = arm;
        let limits_of = |connections| LiveLimits { connections, ..LiveLimits::default() };
        let live = match journeys.live_connections() {
            0 => None,
            connections => Some(LiveLane::new(target.clone(), &limits_of(connections))?),
        };
        Ok(Self { lane: Lane::new(target, limits)?, live, journeys, has_begun: false })
    }

    pub(super) fn traced(&mut self, traced: bool) {
        self.lane.traced(traced);
        if let Some(live) = &mut self.live {
            live.traced(traced);
        }
    }

    pub(super) fn watched(&mut self, watched: bool) {
        self.lane.watched(watched);
        if let Some(live) = &mut self.live {
            live.watched(watched);
        }
    }

    pub(super) fn episode(&self) -> Option<Episode> {
        self.live.as_ref().map_or_else(|| self.lane.episode(), LiveLane::episode)
    }

    pub(super) fn prepare(&mut self, progress: &mut dyn FnMut(Progress) -> bool) -> Result<(), PrepareError> {
        self.journeys.prepare(&mut self.lane, progress)
    }

    pub(super) fn check(&mut self, check: &Check) -> LedgerVerdict {
        match &mut self.live {
            None => self.journeys.check(&mut self.lane, check),
            Some(live) => self.journeys.check_live(&mut self.lane, live, check),
        }
    }

    /// Runs one slice.
    pub(super) fn run(
        &mut self,
        slice: &Slice,
        load: &Load,
        observer: &mut dyn Observer,
    ) -> Result<(), SenderError> {
        if self.live.is_some() {
            return self.run_live(slice, load, observer);
        }
        let (lane, journeys) = (&mut self.lane, &mut self.journeys);
        lane.clear();
        lane.make_room(slice.length);
        observer.slice_started(slice);
        journeys.operations().slice_began(slice.length);
        match sends(load, slice) {
            Sends::Due(schedule) => loops::open(lane, journeys.operations(), schedule, slice, observer)?,
            Sends::InFlight(count) => loops::closed(lane, journeys.operations(), count, slice, observer)?,
        }
        observer.slice_ended(slice, lane.record());
        Ok(())
    }

    /// The same over connections that are held open: those that are not open are opened before the slice starts.
    fn run_live(
        &mut self,
        slice: &Slice,
        load: &Load,
        observer: &mut dyn Observer,
    ) -> Result<(), SenderError> {
        let (Some(lane), Some(journeys)) = (&mut self.live, self.journeys.live()) else { return Ok(()) };
        let within = OPENED_WITHIN[usize::from(self.has_begun)];
        self.has_begun = true;
        lane.make_room(slice.length);
        lane.make_ready(journeys, within, &mut || observer.keep_going())?;
        observer.slice_started(slice);
        let (sends, settle) = (sends(load, slice), journeys.settles_within());
        // What is not open yet is being opened, or waits for its turn.
        let plan = LivePlan { length: slice.length, openings: Schedule::never(), sends, settle };
        loops::watched(slice, observer, |watch| {
            lane.run(journeys, plan, &mut |record| watch(&record.operations)).map(drop)
        })?;
        observer.slice_ended(slice, &lane.record().operations);
        Ok(())
    }
}

/// What starts the operations of a slice.
fn sends(load: &Load, slice: &Slice) -> Sends {
    match load {
        Load::Open { arrivals, profile, seed } => {
            Sends::Due(Schedule::new(*arrivals, profile, slice.seed(*seed), slice.length))
        }
        Load::Closed { in_flight } => Sends::InFlight(*in_flight),
    }
}
