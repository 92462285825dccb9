//! Counts incidents that come back after they were healed. A repair that works does not reset the count: what is healed
//! again and again has a cause that no repair removes.

use ansai_core::incident::{Change, FlapLimit, Reason};
use ansai_core::{Incident, RetryPolicy, Timestamp};

use super::{Incidents, Update};
use crate::state::Flaps;

/// Times that are kept for one key, whatever the limit is.
const MOST_TIMES: usize = 100;

impl Flaps {
    /// Counts an incident that opens now, if one with its key was healed a short time before it began: its minimum time
    /// may be as long as the time of the limit. Answers how many there were within that time.
    fn opens(&mut self, limit: FlapLimit, began: Timestamp, now: Timestamp) -> u32 {
        // A time in the future is one before the clock was set back: it is forgotten, so that it does not count for years.
        let is_near = |at: Timestamp, to: Timestamp| to.checked_since(at).is_some_and(|ago| ago < limit.within);
        self.times.retain(|at| is_near(*at, now));
        if self.healed.take().is_some_and(|healed| is_near(healed, began)) {
            self.times.push(now);
        }
        let first = self.times.len().saturating_sub(MOST_TIMES);
        self.times.drain(..first);
        u32::try_from(self.times.len()).unwrap_or(u32::MAX)
    }
}

impl Incidents {
    /// Counts the incidents of an update that come back. One too many is left to a person.
    pub(crate) fn count_flaps(&self, update: &mut Update, retry: &RetryPolicy, now: Timestamp) {
        for (incident, change) in &mut update.incidents {
            let came_back = incident.course.came_back && incident.begun > 0;
            if change.is_closing() || !(came_back || *change == Change::Opened) {
                continue;
            }
            if let Err(error) = self.count(incident, came_back, retry.flaps, now) {
                let (instance, id) = (&incident.instance, &incident.id);
                tracing::error!(%instance, incident = %id, "whether it came back is not counted: {error}");
            }
        }
    }

    fn count(
        &self,
        incident: &mut Incident,
        came_back: bool,
        limit: FlapLimit,
        now: Timestamp,
    ) -> Result<(), crate::state::StateError> {
        let (instance, key) = (&incident.instance, &incident.finding.key);
        let before = self.state.flaps(instance, key)?;
        let mut flaps = before.clone();
        if came_back {
            flaps.healed = Some(now);
        }
        let began = if came_back { now } else { incident.opened };
        let times = flaps.opens(limit, began, now);
        if flaps != before {
            // Before the incident: a crash in between counts it once, because `healed` is gone.
            self.state.put_flaps(instance, key, &flaps, now)?;
        }
        incident.course.flaps = times;
        if times >= limit.most && incident.course.escalated.is_none() {
            incident.escalate(Reason::Flapping { times, within: limit.within }, now);
        }
        Ok(())
    }

    /// Remembers that an incident was healed: it closed as healthy after an attempt.
    pub(super) fn remember_healed(&self, incident: &Incident, change: Change, now: Timestamp) {
        if change != Change::Closed || incident.begun == 0 {
            return;
        }
        let (instance, key) = (&incident.instance, &incident.finding.key);
        let written = self
            .state
            .flaps(instance, key)
            .and_then(|flaps| self.state.put_flaps(instance, key, &Flaps { healed: Some(now), ..flaps }, now));
        if let Err(error) = written {
            tracing::error!(%instance, incident = %incident.id, "if it comes back, that is not counted: {error}");
        }
    }

    /// A person wants the next repairs: earlier ones count no more.
    pub(crate) fn forget_flaps(&self, incident: &Incident, now: Timestamp) -> Result<(), crate::state::StateError> {
        self.state.put_flaps(&incident.instance, &incident.finding.key, &Flaps::default(), now)
    }
}

#[cfg(test)]
mod tests {
    use ansai_core::Millis;

    use super::*;

    const LIMIT: FlapLimit = FlapLimit { most: 3, within: Millis::new(100) };

    fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_millis(milliseconds)
    }

    #[test]
    fn only_what_was_healed_a_short_time_ago_comes_back() {
        for (healed, now, expected) in [
            (None, 50, 0),
            (Some(0), 50, 1),
            (Some(0), 99, 1),
            (Some(0), 100, 0),
            // The clock was set back.
            (Some(60), 50, 0),
        ] {
            let mut flaps = Flaps { healed: healed.map(at), times: vec![] };
            assert_eq!(flaps.opens(LIMIT, at(now), at(now)), expected, "{healed:?} {now}");
            assert_eq!(flaps.healed, None, "the same repair counts once");
        }
    }

    /// Would break: incidents whose minimum time is about as long as the time of the limit never come back.
    #[test]
    fn the_minimum_time_does_not_count_as_healed() {
        for (began, expected) in [(99, 1), (100, 0)] {
            let mut flaps = Flaps { healed: Some(at(0)), times: vec![] };
            assert_eq!(flaps.opens(LIMIT, at(began), at(190)), expected, "{began}");
        }
    }

    #[test]
    fn what_is_long_ago_or_in_the_future_counts_no_more() {
        let mut flaps = Flaps { healed: Some(at(190)), times: vec![at(50), at(110), at(999)] };
        assert_eq!(flaps.opens(LIMIT, at(200), at(200)), 2);
        assert_eq!(flaps.times, [at(110), at(200)]);
    }

    #[test]
    fn a_limit_of_years_keeps_a_bounded_number() {
        let limit = FlapLimit { most: u32::MAX, within: Millis::MAX };
        let mut flaps = Flaps::default();
        for time in 0..1_000 {
            flaps.healed = Some(at(time));
            flaps.opens(limit, at(time), at(time));
        }
        assert_eq!((flaps.times.len(), flaps.times.last()), (MOST_TIMES, Some(&at(999))));
    }
}
