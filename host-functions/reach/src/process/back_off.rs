//! When a process that ended by itself is started again.

use std::time::{Duration, Instant};

/// After the second end in a row; then twice as long each time.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(60);
/// A process that lived so long did not end because of its start.
const LIVED: Duration = Duration::from_secs(60);

/// Counts the ends of processes.
#[derive(Debug, Default)]
pub(super) struct BackOff {
    ends: u32,
    not_before: Option<Instant>,
}

impl BackOff {
    /// A process that began at this time ended now, or did not start.
    pub(super) fn ended(&mut self, began: Instant, now: Instant) {
        let lived = now.saturating_duration_since(began) >= LIVED;
        self.ends = if lived { 1 } else { self.ends.saturating_add(1) };
        // The first time may be chance: a new one starts at once.
        let pause = match self.ends.checked_sub(2) {
            None => Duration::ZERO,
            Some(doublings) => FIRST.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST),
        };
        self.not_before = now.checked_add(pause);
    }

    /// How long to wait before the next start, after so many ends; `None` if it may start.
    pub(super) fn pause(&self, now: Instant) -> Option<(Duration, u32)> {
        let left = self.not_before?.saturating_duration_since(now);
        (!left.is_zero()).then_some((left, self.ends))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_end_costs_nothing_and_a_flood_ever_more() {
        let (start, mut back_off) = (Instant::now(), BackOff::default());
        assert_eq!(back_off.pause(start), None);
        let mut pauses = Vec::new();
        for _ in 0..12 {
            back_off.ended(start, start);
            pauses.push(back_off.pause(start).map_or(0, |(pause, _)| pause.as_millis()));
        }
        assert_eq!(pauses.get(..5), Some(&[0, 250, 500, 1_000, 2_000][..]));
        assert_eq!(pauses.last(), Some(&60_000));
        assert_eq!(back_off.pause(start + LONGEST), None);
        back_off.ended(start, start + LIVED);
        assert_eq!(back_off.pause(start + LIVED), None, "it lived long: the first end again");
    }
}
