//! That no policy may act.

use std::time::{Duration, Instant};

use ansai_core::text::inert;
use ansai_core::{Severity, Timestamp};

use super::Teller;
use super::story::MOST_TEXT;
use crate::message::Kind;
use crate::outbox::OutboxError;

/// What is over earlier is not told: a person may be writing the configuration.
const HALTED_FOR: Duration = Duration::from_secs(60);

impl Teller {
    /// Tells that no policy may act, once it has been so for a minute, and once until it is over. `since`: when that was seen
    /// first; `at` and `now`: the time now, by the clock that nobody sets and by the time of day.
    ///
    /// # Errors
    /// The outbox cannot be written.
    pub fn tell_halted(
        &self,
        since: &mut Option<(Instant, Timestamp)>,
        at: Instant,
        now: Timestamp,
    ) -> Result<(), OutboxError> {
        let Some(why) = self.facts.halted() else {
            *since = None;
            return Ok(());
        };
        let (began, began_at) = *since.get_or_insert((at, now));
        if at.saturating_duration_since(began) < HALTED_FOR {
            return Ok(());
        }
        let id = format!("halted-{}", began_at.as_millis());
        let summary = format!("no policy may act: {}", inert(&why, MOST_TEXT));
        self.tell_of(&id, Kind::Suspended, Severity::Critical, &summary, now)
    }
}
