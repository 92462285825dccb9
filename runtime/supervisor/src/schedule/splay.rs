//! Spreads runs: over the hosts of a fleet, and over the instances of a host.

use ansai_core::Millis;
use sha2::{Digest as _, Sha256};

/// A delay below `most` that is always the same for one instance of one host.
pub(crate) fn splay(host: &str, instance: &str, most: Millis) -> Millis {
    let mut hash = Sha256::new();
    hash.update(host.as_bytes());
    hash.update([0]);
    hash.update(instance.as_bytes());
    let first = hash.finalize().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    Millis::new(first.checked_rem(most.get()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_is_spread_evenly_and_always_in_the_same_way() {
        let most = Millis::new(600_000);
        let mut minutes = [0_u32; 10];
        for host in 0..1_000 {
            let delay = splay(&format!("web-{host}"), "disk-space", most);
            assert_eq!(splay(&format!("web-{host}"), "disk-space", most), delay);
            let minute = usize::try_from(delay.get() / 60_000).unwrap_or(99);
            minutes.get_mut(minute).into_iter().for_each(|count| *count += 1);
        }
        assert!(minutes.iter().all(|count| (60..140).contains(count)), "{minutes:?}");
        assert_ne!(splay("web-1", "a", most), splay("web-1", "b", most));
        assert_ne!(splay("web", "1a", most), splay("web1", "a", most));
        assert_eq!(splay("web-1", "a", Millis::ZERO), Millis::ZERO);
    }
}
