//! Random numbers that follow from a seed, the same on every machine.

use ansai_core::Millis;

/// SplitMix64 (Steele, Lea and Flood, 2014): small, quick, and good enough for faults. Never for secrets.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The numbers of a seed, and of what they are for: others do not change when one of them takes more.
    pub fn new(seed: u64, what_for: &str) -> Random {
        // FNV-1a
        let name = what_for
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        let mut random = Random(seed ^ name);
        random.next();
        random
    }

    /// The next number.
    #[allow(clippy::should_implement_trait, reason = "it never ends")]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one; 0 if there is none.
    pub fn below(&mut self, most: u64) -> u64 {
        self.next().checked_rem(most).unwrap_or(0)
    }

    /// Whether something happens that happens so many times out of 100.
    pub fn percent(&mut self, chance: u32) -> bool {
        self.below(100) < u64::from(chance)
    }

    /// A time between these two, both included.
    pub fn between(&mut self, least: Millis, most: Millis) -> Millis {
        let apart = most.get().saturating_sub(least.get());
        Millis::new(least.get().saturating_add(self.below(apart.saturating_add(1))))
    }

    /// The time until something happens that happens once in `mean` on average, whatever happened before.
    pub fn until_next(&mut self, mean: Millis) -> Millis {
        // In (0, 1]: 53 bits are what a float holds.
        let uniform = ((self.next() >> 11) as f64 + 1.0) / (1_u64 << 53) as f64;
        let time = -uniform.ln() * mean.get() as f64;
        // Positive, and saturating.
        Millis::new(time as u64)
    }
}
