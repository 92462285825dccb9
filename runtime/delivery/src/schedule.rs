//! Computes when to try a target next.

use ansai_core::Timestamp;

/// Delay after the first failure; it doubles with each further one.
const FIRST_RETRY_MS: u64 = 60_000;
/// Maximum delay.
const MOST_RETRY_MS: u64 = 3_600_000;

/// Delay after an attempt, in milliseconds. `every_ms` is the interval of scheduled messages.
pub(crate) fn rest(every_ms: Option<u64>, failures: u32) -> u64 {
    let most = every_ms.unwrap_or(MOST_RETRY_MS);
    match failures.checked_sub(1) {
        None => every_ms.unwrap_or(0),
        Some(again) => FIRST_RETRY_MS.saturating_mul(1 << again.min(20)).min(most),
    }
}

/// Delay after so many failed attempts in a row, in milliseconds, of messages that are sent as they come: from one minute to one
/// hour; zero after a success.
pub fn rest_after(failures: u32) -> u64 {
    rest(None, failures)
}

/// Milliseconds until `next_at`. If that is longer than any delay, the clock was set back or the schedule changed; then
/// the target is due.
pub(crate) fn left(every_ms: Option<u64>, next_at: Timestamp, now: Timestamp) -> u64 {
    let left = (next_at - now).get();
    if left > every_ms.unwrap_or(MOST_RETRY_MS) { 0 } else { left }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_come_later_each_time_up_to_the_schedule() {
        let minute = 60_000;
        assert_eq!([0, 1, 2, 3, 4].map(|failures| rest(Some(5 * minute), failures) / minute), [5, 1, 2, 4, 5]);
        assert_eq!([0, 1, 7, 40].map(|failures| rest(None, failures) / minute), [0, 1, 60, 60]);
        assert_eq!(rest(Some(1), 1), 1, "a schedule shorter than a retry");
    }

    #[test]
    fn a_clock_that_was_set_back_delays_nothing() {
        let left = |every, next_at, now| left(every, Timestamp::from_millis(next_at), Timestamp::from_millis(now));
        assert_eq!(left(Some(1_000), 5_000, 4_500), 500);
        assert_eq!(left(Some(1_000), 5_000, 6_000), 0);
        assert_eq!(left(Some(1_000), 5_000, 1_000), 0);
        assert_eq!(left(None, 3_000, 1_000), 2_000);
    }
}
