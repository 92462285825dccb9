//! One share of one instance, as a vessel that drains evenly: what was used is forgotten over the window of the share.

use ansai_core::Millis;

/// More than this part of a share: the next pass waits.
pub(super) const HALF: f64 = 1.0 / 2.0;
/// More than this part of a share: events wait, so that they cannot use what the schedule needs.
pub(super) const QUARTER: f64 = 1.0 / 4.0;
/// Events are as before when no more than this part is used. It is less than what makes them wait, so that an instance at
/// the border is not told about all the time.
pub(super) const EIGHTH: f64 = 1.0 / 8.0;

/// What an instance may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Everything.
    #[default]
    Free,
    /// It has used half of a share: its next pass comes when that half is free again.
    Slow,
    /// It has used all of a share: nothing, until half of it is free again.
    Suspended,
}

/// A limit and the time for which it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) limit: f64,
    pub(super) window: Millis,
}

/// What is used of a share.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Bucket {
    pub(crate) level: f64,
    pub(crate) standing: Standing,
}

impl Bucket {
    /// Time has passed.
    pub(super) fn drain(&mut self, rate: Rate, passed: Millis) {
        let share = millis(passed) / millis(rate.window).max(1.0);
        self.level = (self.level - rate.limit * share).max(0.0);
        self.update(rate);
    }

    /// Something was used.
    pub(super) fn add(&mut self, rate: Rate, amount: f64) {
        self.level += amount;
        self.update(rate);
    }

    /// The time after which at most this part of the share is used.
    pub(super) fn until(&self, part: f64, rate: Rate) -> Millis {
        let over = (self.level - rate.limit * part).max(0.0);
        let wait = over / rate.limit.max(f64::MIN_POSITIVE) * millis(rate.window);
        // Saturates. A millisecond more, because of what was rounded.
        Millis::new((wait.ceil() as u64).saturating_add(1))
    }

    /// Whether at most this part of the share is used.
    pub(super) fn is_within(&self, part: f64, rate: Rate) -> bool {
        self.level <= rate.limit * part
    }

    /// The way down is longer than the way up, so that an instance at a border does not change all the time.
    fn update(&mut self, Rate { limit, .. }: Rate) {
        let half = self.level > limit * HALF;
        self.standing = match self.standing {
            _ if self.level > limit => Standing::Suspended,
            Standing::Suspended if half => Standing::Suspended,
            _ if half => Standing::Slow,
            Standing::Free => Standing::Free,
            _ if self.level > limit * QUARTER => Standing::Slow,
            _ => Standing::Free,
        };
    }
}

fn millis(time: Millis) -> f64 {
    time.get() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 100 an hour.
    const RATE: Rate = Rate { limit: 100.0, window: Millis::from_hours(1) };

    fn minutes(minutes: u64) -> Millis {
        Millis::new(minutes * 60_000)
    }

    #[test]
    fn it_is_slowed_then_suspended_and_comes_back_by_itself() {
        let mut bucket = Bucket::default();
        bucket.add(RATE, 50.0);
        assert_eq!(bucket.standing, Standing::Free, "a burst of half of it");
        bucket.add(RATE, 10.0);
        assert_eq!((bucket.standing, bucket.is_within(HALF, RATE)), (Standing::Slow, false));
        bucket.add(RATE, 41.0);
        assert_eq!(bucket.standing, Standing::Suspended);
        let wait = bucket.until(HALF, RATE);
        assert!(wait > minutes(30) && wait < minutes(31), "{wait}");
        bucket.drain(RATE, minutes(30));
        assert_eq!(bucket.standing, Standing::Suspended, "not before half of it is free");
        bucket.drain(RATE, minutes(1));
        assert_eq!((bucket.standing, bucket.is_within(HALF, RATE)), (Standing::Slow, true));
        bucket.drain(RATE, minutes(20));
        assert_eq!(bucket.standing, Standing::Free);
        bucket.drain(RATE, Millis::MAX);
        assert_eq!(bucket.level, 0.0);
    }

    /// What is used at the rate of the share is never suspended, and many small steps drain as much as one.
    #[test]
    fn a_steady_use_at_the_rate_goes_on() {
        let mut bucket = Bucket::default();
        for _ in 0..10_000 {
            bucket.drain(RATE, Millis::new(36_000));
            bucket.add(RATE, 1.0);
            assert_eq!(bucket.standing, Standing::Free);
        }
        let mut one = Bucket { level: 100.0, standing: Standing::Slow };
        let mut many = one;
        one.drain(RATE, minutes(10));
        (0..600).for_each(|_| many.drain(RATE, Millis::new(1_000)));
        assert!((one.level - many.level).abs() < 1e-6, "{one:?} {many:?}");
    }
}
