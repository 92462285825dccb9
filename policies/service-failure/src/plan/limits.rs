//! Whether a restart is allowed now: so many a day, with growing pauses, and never faster than systemd allows.

use ansai_sdk::{Span, text};

use super::Situation;
use crate::calls::{RESTART, START};
use crate::condition::has_hit_start_limit;

const DAY: Span = Span::from_days(1);
/// An interval of systemd without an end.
const INFINITY: u64 = u64::MAX;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Now,
    /// After this time, and why not now.
    In(Span, String),
    /// The text says why not.
    Never(String),
    /// It is not known how often it was restarted.
    Unknown(String),
}

pub(super) fn allowed(situation: &Situation<'_>) -> Allowed {
    let (unit, settings, now) = (&situation.unit, situation.settings, situation.host.now());
    let id = &unit.id;
    let history = match situation.host.history(&situation.finding.about, now.saturating_sub(DAY.0)) {
        Ok(history) => history,
        Err(refusal) => {
            return Allowed::Unknown(format!("it is unknown how often {id} was restarted: {}", refusal.words()));
        }
    };
    let is_restart = |action: &str| action == RESTART || action == START;
    let ends = history.iter().flat_map(|attempt| {
        let steps =
            attempt.steps.iter().filter(|step| is_restart(&step.action) && step.about.name == *id && step.has_begun());
        steps.map(|_| attempt.ended.unwrap_or(attempt.at))
    });
    let ends: Vec<u64> = ends.collect();
    let count = u32::try_from(ends.len()).unwrap_or(u32::MAX);
    let done = format!("{} within a day", text::count(count.into(), "restart"));
    // systemd itself has tried as often as the unit allows, so one more attempt must be enough.
    let has_hit_limit = has_hit_start_limit(unit);
    let most = if has_hit_limit { settings.attempts.min(1) } else { settings.attempts };
    if count >= most {
        return Allowed::Never(match (settings.attempts, count) {
            (0, _) => format!("`attempts` is 0, so {id} is not restarted"),
            (_, 0 | 1) if has_hit_limit => format!("{id} reached its start limit again after a restart"),
            _ if situation.answer.is_some() => format!("{done} did not help {id}"),
            _ => format!("{done} did not keep {id} running"),
        });
    }
    if let Some(rest) = ends.into_iter().max().and_then(|end| left(end, settings.pause(count), now)) {
        return Allowed::In(rest, done);
    }
    if has_hit_limit && unit.start_interval == INFINITY {
        return Allowed::Never(format!("{id} reached its start limit, which has no end"));
    }
    let limit = Span(unit.start_interval);
    // If the clock was set back, nobody knows when that was.
    let since = unit.since.filter(|since| has_hit_limit && *since <= now);
    if let Some(rest) = since.and_then(|since| left(since, limit, now)) {
        return Allowed::In(rest, format!("{id} reached its start limit"));
    }
    Allowed::Now
}

/// What is left of a time that began at an instant; `None` if it is over. Never more than the time, because the clock
/// may have been set back.
fn left(begin: u64, time: Span, now: u64) -> Option<Span> {
    begin.saturating_add(time.0).checked_sub(now).filter(|rest| *rest > 0).map(|rest| Span(rest.min(time.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_back_makes_no_longer_pause() {
        let rest = |begin, now| left(begin, Span(60), now);
        assert_eq!([rest(100, 130), rest(100, 160), rest(100, 100)], [Some(Span(30)), None, Some(Span(60))]);
        assert_eq!(rest(1_000_000, 100), Some(Span(60)));
    }
}
