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
    let is_restart = |action: &str| action == RESTART || action == START;
    let ends = match situation.host.ends_of_steps(&situation.finding.about, DAY, is_restart) {
        Ok(ends) => ends,
        Err(refusal) => {
            return Allowed::Unknown(format!("it is unknown how often {id} was restarted: {}", refusal.words()));
        }
    };
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
    if let Some(rest) = ends.into_iter().max().and_then(|end| settings.pause(count).left(end, now)) {
        return Allowed::In(rest, done);
    }
    if has_hit_limit && unit.start_interval == INFINITY {
        return Allowed::Never(format!("{id} reached its start limit, which has no end"));
    }
    // If the clock was set back, nobody knows when that was.
    let since = unit.since.filter(|since| has_hit_limit && *since <= now);
    if let Some(rest) = since.and_then(|since| Span(unit.start_interval).left(since, now)) {
        return Allowed::In(rest, format!("{id} reached its start limit"));
    }
    Allowed::Now
}
