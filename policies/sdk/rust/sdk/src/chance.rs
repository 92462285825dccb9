//! Chance that is the same in each evaluation.

use crate::Host;

impl Host {
    /// An instant from `from` to `to`, as if by chance: it depends on this host and on `about`, so that many hosts do not act at
    /// the same time, and is the same in each evaluation and in a replay. `from` if `to` is not later.
    ///
    /// ```
    /// use ansai_sdk::testing::StandIn;
    ///
    /// let host = StandIn::default().host();
    /// let instant = host.instant_within("a certificate", 1_000, 2_000);
    /// assert!((1_000..=2_000).contains(&instant));
    /// assert_eq!(host.instant_within("a certificate", 1_000, 2_000), instant);
    /// assert_eq!(host.instant_within("a certificate", 2_000, 1_000), 2_000);
    /// ```
    pub fn instant_within(&self, about: &str, from: u64, to: u64) -> u64 {
        let name = self.host().name;
        // FNV-1a, then the last step of SplitMix64: similar names lead to different instants.
        let bytes = name.bytes().chain([0]).chain(about.bytes());
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let width = u128::from(to.saturating_sub(from)) + 1;
        let part = (u128::from(hash ^ (hash >> 31)) * width) >> 64;
        from.saturating_add(u64::try_from(part).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::StandIn;

    /// Would break: hosts or certificates that all choose the same part of the window.
    #[test]
    fn instants_are_spread_over_the_whole_window() {
        let host = StandIn::default().host();
        let mut tenths = [0_u32; 10];
        for number in 0..1_000 {
            let instant = host.instant_within(&format!("certificate {number}"), 5_000, 5_999);
            tenths[usize::try_from((instant - 5_000) / 100).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|count| (60..=140).contains(count)), "{tenths:?}");
        assert_eq!(host.instant_within("a", 0, u64::MAX), host.instant_within("a", 0, u64::MAX));
        assert_eq!(host.instant_within("a", u64::MAX, u64::MAX), u64::MAX);
    }
}
