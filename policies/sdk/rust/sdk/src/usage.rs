//! Usage of a limited resource.

use crate::share;

/// The used part of a total: blocks, inodes, connections, memory below a limit.
///
/// ```
/// use ansai_sdk::Usage;
///
/// let connections = Usage::new(85, 100).unwrap();
/// assert_eq!((connections.percent(), connections.free()), (85.0, 15));
/// // To get below 75 %.
/// assert_eq!(connections.excess_over(75.0), 11);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    used: u64,
    total: u64,
}

impl Usage {
    /// `None` if the total is 0, which is neither full nor empty. A larger `used` is reduced to the total.
    pub fn new(used: u64, total: u64) -> Option<Usage> {
        (total > 0).then_some(Usage { used: used.min(total), total })
    }

    /// Creates a usage from what is free.
    pub fn with_free(free: u64, total: u64) -> Option<Usage> {
        Usage::new(total.saturating_sub(free), total)
    }

    /// The used amount.
    pub fn used(self) -> u64 {
        self.used
    }

    /// The limit.
    pub fn total(self) -> u64 {
        self.total
    }

    /// The free amount.
    pub fn free(self) -> u64 {
        self.total - self.used
    }

    /// The used share, between 0 and 1.
    pub fn share(self) -> f64 {
        self.used as f64 / self.total as f64
    }

    /// The used percentage, between 0 and 100. Exact at integer percentages, unlike the share times 100.
    pub fn percent(self) -> f64 {
        self.used as f64 * 100.0 / self.total as f64
    }

    /// How much must be freed to get below a percentage.
    pub fn excess_over(self, percent: f64) -> u64 {
        let goal = (self.total as f64 * percent / 100.0) as u64;
        match self.used.checked_sub(goal) {
            Some(excess) if self.percent() >= percent => excess + 1,
            _ => 0,
        }
    }

    /// Formats the percentage for a person: `91.4 %`.
    pub fn words(self) -> String {
        share::percent_words(self.percent())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_must_be_freed() {
        let at = |used| Usage::new(used, 100).unwrap().excess_over(75.0);
        assert_eq!((at(74), at(75), at(90), at(100)), (0, 1, 16, 26));
        assert_eq!(Usage::new(5, 5).unwrap().excess_over(0.0), 6);
    }

    #[test]
    fn nothing_has_no_usage_and_more_than_all_is_all() {
        assert_eq!(Usage::new(0, 0), None);
        assert_eq!(Usage::new(3, 2), Usage::new(2, 2));
        assert_eq!(Usage::with_free(3, 2).unwrap().percent(), 0.0);
    }
}
