//! Means of times.

use ansai_core::Millis;
use ansai_core::control::Mean;

/// A sum of times that cannot overflow: a clock that jumped makes times of years.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sum {
    time: u128,
    of: u64,
}

impl Sum {
    pub(super) fn add(&mut self, time: Millis) {
        self.time += u128::from(time.get());
        self.of += 1;
    }

    /// `None` of nothing.
    pub(super) fn mean(self) -> Option<Mean> {
        let time = self.time.checked_div(u128::from(self.of))?;
        Some(Mean { time: Millis::new(u64::try_from(time).unwrap_or(u64::MAX)), of: self.of })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_of_something_and_does_not_overflow() {
        let mut sum = Sum::default();
        assert_eq!(sum.mean(), None);
        sum.add(Millis::new(u64::MAX));
        sum.add(Millis::new(u64::MAX));
        assert_eq!(sum.mean(), Some(Mean { time: Millis::new(u64::MAX), of: 2 }));
    }
}
