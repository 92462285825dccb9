//! Which notes of a running step are told, and in which form. A note comes from an action, and often from a program or a
//! server behind it: it may be long, secret, hostile, or change a thousand times a second.

use std::time::{Duration, Instant};

use ansai_core::Millis;
use ansai_core::text::inert;
use ansai_kit::target::Reach;

use super::masking::redactor;

/// The bounds of `again_in`: a step is neither polled all the time nor forgotten.
const SOONEST: Duration = Duration::from_millis(100);
const LATEST: Duration = Duration::from_mins(1);

/// The shortest time between two notes of a step.
const APART: Duration = Duration::from_secs(1);
/// The longer a step runs, the less often it is told about: at most once in this part of its time. In four hours, that
/// is about 600 notes.
const PART: u32 = 100;

/// What is looked at of a longer note.
const MOST_READ: usize = 4_096;
/// What is told of it, in characters.
const MOST_TOLD: usize = 200;

/// The notes of one step.
pub(super) struct Notes {
    begun: Instant,
    told: Option<(Instant, String)>,
}

impl Notes {
    pub(super) fn new(begun: Instant) -> Notes {
        Notes { begun, told: None }
    }

    /// The note, if it is time for one and it is a new one. `note` is called only if it is time.
    pub(super) fn news(&mut self, now: Instant, note: impl FnOnce() -> String) -> Option<&str> {
        let apart = APART.max(now.duration_since(self.begun) / PART);
        if self.told.as_ref().is_some_and(|(at, _)| now.duration_since(*at) < apart) {
            return None;
        }
        let (note, last) = (note(), self.told.as_ref().map_or("", |(_, note)| note.as_str()));
        if note == last {
            return None;
        }
        Some(&self.told.insert((now, note)).1)
    }
}

/// A note without secrets and control characters, and not too long. While a secret cannot be masked, it is that.
pub(super) fn treated(note: &str, reach: &Reach) -> String {
    match redactor(reach) {
        Ok(redactor) => inert(&redactor.redact(redactor.beginning(note, MOST_READ).trim()).text, MOST_TOLD),
        Err(error) => format!("its progress is not shown: {error}"),
    }
}

/// How long to wait until the next look.
pub(super) fn until_next_look(again_in: Millis) -> Duration {
    Duration::from(again_in).clamp(SOONEST, LATEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times, in seconds, at which a step is told about that has another note each second.
    fn told(seconds: u64) -> Vec<u64> {
        let begun = Instant::now();
        let mut notes = Notes::new(begun);
        let tells = |second: &u64| notes.news(begun + Duration::from_secs(*second), || second.to_string()).is_some();
        (0..seconds).filter(tells).collect()
    }

    #[test]
    fn the_longer_a_step_runs_the_less_often_it_is_told_about() {
        assert_eq!(told(5), [0, 1, 2, 3, 4]);
        let told = told(4 * 3_600);
        assert!(told.len() < 700, "{}", told.len());
        assert!(told.windows(2).all(|pair| pair[1] - pair[0] <= 1 + pair[1] / u64::from(PART)));
    }

    #[test]
    fn only_another_note_is_news_and_no_note_is_none() {
        let begun = Instant::now();
        let mut notes = Notes::new(begun);
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut news = |seconds, note: &str| notes.news(at(seconds), || note.to_owned()).map(str::to_owned);
        assert_eq!(news(0, ""), None);
        assert_eq!(news(0, "1 of 2"), Some("1 of 2".to_owned()), "the first one is told at once");
        assert_eq!(news(5, "1 of 2"), None);
        assert_eq!(news(6, "2 of 2"), Some("2 of 2".to_owned()));
        assert_eq!(notes.news(at(6), || unreachable!("it is too early")), None);
    }

    #[test]
    fn a_note_is_short_harmless_and_without_secrets() {
        let treated = |note: &str| treated(note, Reach::none());
        assert_eq!(treated("\n copied 4 of 9 \n"), "copied 4 of 9");
        assert_eq!(treated("password=hunter22 \u{1b}[2J\n"), "password=*** \\u{1b}[2J");
        // The first half of a secret lies before the limit, and what is before that is masked.
        let two = format!("password={} token={}", "a".repeat(MOST_READ - 40), "b".repeat(100));
        assert_eq!(treated(&two), "password=*** token=");
        // A character of two bytes lies across the limit.
        let long = treated(&format!("x{}", "ü".repeat(MOST_READ)));
        assert_eq!(long.chars().count(), MOST_TOLD + 1);
    }

    #[test]
    fn a_step_is_looked_at_within_bounds() {
        let waits = [0, 2_000, u64::MAX].map(|again_in| until_next_look(Millis::new(again_in)));
        assert_eq!(waits, [SOONEST, Duration::from_secs(2), LATEST]);
    }
}
