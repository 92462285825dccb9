//! How full something is, in whole numbers: blocks or inodes.

use crate::port::Filesystem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fullness {
    pub(crate) used: u64,
    /// What could be used in all.
    pub(crate) of: u64,
}

impl Fullness {
    /// Of what an unprivileged process could have: blocks reserved for root are neither used nor to be had.
    pub(crate) fn bytes(filesystem: &Filesystem) -> Option<Fullness> {
        let of = filesystem.total_bytes.saturating_sub(filesystem.reserved_bytes);
        (of > 0).then(|| Fullness { used: of.saturating_sub(filesystem.available_bytes), of })
    }

    /// `None` where inodes are not counted.
    pub(crate) fn inodes(filesystem: &Filesystem) -> Option<Fullness> {
        let of = filesystem.total_inodes;
        (of > 0).then(|| Fullness { used: of.saturating_sub(filesystem.free_inodes), of })
    }

    pub(crate) fn share(self) -> f64 {
        self.used as f64 / self.of as f64
    }

    /// Exact at whole thresholds, unlike the share times 100.
    pub(crate) fn percent(self) -> f64 {
        self.used as f64 * 100.0 / self.of as f64
    }

    pub(crate) fn free(self) -> u64 {
        self.of.saturating_sub(self.used)
    }

    /// How much must come back to get below so many percent.
    pub(crate) fn above(self, percent: f64) -> u64 {
        let goal = (self.of as f64 * percent / 100.0) as u64;
        match self.used.checked_sub(goal) {
            Some(above) if self.percent() >= percent => above + 1,
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stand_in::filesystem;

    #[test]
    fn reserved_blocks_are_no_room() {
        let mut full = filesystem("/", 100, 0);
        full.reserved_bytes = 5;
        assert_eq!(Fullness::bytes(&full), Some(Fullness { used: 95, of: 95 }));
        full.available_bytes = 19;
        assert_eq!(Fullness::bytes(&full).unwrap().percent(), 80.0);
        full.reserved_bytes = 100;
        assert_eq!(Fullness::bytes(&full), None);
    }

    #[test]
    fn what_must_come_back() {
        let at = |used| Fullness { used, of: 100 }.above(75.0);
        assert_eq!((at(74), at(75), at(90)), (0, 1, 16));
    }

    #[test]
    fn inodes_that_are_not_counted() {
        let mut btrfs = filesystem("/", 100, 50);
        btrfs.total_inodes = 0;
        assert_eq!(Fullness::inodes(&btrfs), None);
    }
}
