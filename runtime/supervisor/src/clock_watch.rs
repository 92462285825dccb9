//! Compares the time of day with the time since the machine booted, from one run to the next. While the time of day is in
//! doubt, nothing is applied: neither the age of a file nor the end of a quarantine is known.

use std::sync::{Arc, Mutex, PoisonError};

use ansai_core::host_clock::{Belief, ClockChange, ClockReading};
use ansai_core::{Event, HostClock, Millis, Refusal};
use ansai_kit::host_access::HostAccess;

use crate::clock;
use crate::recording::Journal;
use crate::state::{State, StateError};

/// How old the stored reading may be while nothing changes.
const KEEP: Millis = Millis::new(60_000);

/// The clocks of the host.
pub(crate) struct ClockWatch {
    host: Arc<dyn HostAccess>,
    state: Arc<State>,
    journal: Arc<Journal>,
    known: Mutex<Known>,
}

struct Known {
    clock: HostClock,
    /// The last reading that was stored.
    stored: ClockReading,
}

impl ClockWatch {
    /// Takes the first reading of this run. `accepts`: the operator says that the time of day is right.
    pub(crate) fn open(
        host: Arc<dyn HostAccess>,
        state: Arc<State>,
        journal: Arc<Journal>,
        accepts: bool,
    ) -> Result<ClockWatch, StateError> {
        let reading = host.clock();
        let (clock, change) = match state.host_clock()? {
            None => (HostClock::new(reading.clone()), None),
            Some(mut clock) => {
                let change = if accepts { clock.accept(reading.clone()) } else { clock.read(reading.clone()) };
                (clock, change)
            }
        };
        state.put_host_clock(&clock)?;
        let known = Mutex::new(Known { clock, stored: reading });
        let watch = ClockWatch { host, state, journal, known };
        watch.tell(change);
        Ok(watch)
    }

    /// By how many milliseconds the time of day jumped, while it is in doubt.
    pub(crate) fn doubt(&self) -> Option<i64> {
        let reading = self.host.clock();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let change = known.clock.read(reading.clone());
        let is_old = reading.since(&known.stored).is_none_or(|passed| passed >= KEEP);
        if change.is_some() || is_old {
            match self.state.put_host_clock(&known.clock) {
                Ok(()) => known.stored = reading,
                Err(error) => tracing::error!("the reading of the clocks is not stored, ansai goes on: {error}"),
            }
        }
        let doubt = known.clock.doubt();
        drop(known);
        self.tell(change);
        doubt
    }

    /// Refuses what depends on the time of day while that is in doubt.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        match self.doubt() {
            None => Ok(()),
            Some(_) => Err(Refusal::Unavailable("the clock jumped, so what is old is unknown".into())),
        }
    }

    fn tell(&self, change: Option<ClockChange>) {
        let event = match change {
            None => return,
            Some(ClockChange::Jumped(jump_ms)) => {
                tracing::warn!(jump_ms, "the clock jumped: no plan is applied and no quarantine expires meanwhile");
                Event::ClockJumped { jump_ms }
            }
            Some(ClockChange::Believed(why)) => {
                let is_accepted = why == Belief::Accepted;
                tracing::info!(is_accepted, "the clock is believed again");
                Event::ClockBelieved { why }
            }
        };
        self.journal.note(clock::now(), event);
    }
}
