//! What a step may do to the memory of a service. Asked when the step is proposed, and again before it acts.

use ansai_core::{Bytes, Millis, Refusal};

use crate::process::Memory;

/// How long a limit may last.
const SHORTEST: Millis = Millis::new(60_000);
const LONGEST: Millis = Millis::new(86_400_000);

/// # Errors
/// `invalid`.
pub(super) fn check_lasting(lasting: Millis) -> Result<(), Refusal> {
    match (SHORTEST..=LONGEST).contains(&lasting) {
        true => Ok(()),
        false => Err(Refusal::Invalid(format!("`lasting` must be from {SHORTEST} to {LONGEST}, not {lasting}"))),
    }
}

/// Whole pages, as the kernel counts them.
pub(super) fn pages(bytes: u64) -> Result<u64, Refusal> {
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4_096);
    let rounded = bytes.checked_next_multiple_of(page).filter(|bytes| *bytes < 1 << 62);
    rounded.ok_or_else(|| Refusal::Invalid(format!("`bytes` is more than any machine has: {bytes}")))
}

/// Refuses a limit that would stop the service, or that is none.
pub(super) fn may_limit(id: &str, memory: &Memory, of_systemd: Option<u64>, bytes: u64) -> Result<(), Refusal> {
    let shown = Bytes::new(bytes);
    let used = used(id, memory)?;
    if bytes < used / 2 {
        let used = Bytes::new(used);
        return Err(Refusal::Denied(format!("{id} uses {used}: a limit of {shown} is less than half of it")));
    }
    if let Some(limit) = memory.limit.filter(|limit| bytes >= *limit) {
        let limit = Bytes::new(limit);
        return Err(Refusal::Invalid(format!("{id} is ended at {limit}: a limit of {shown} changes nothing")));
    }
    // Somebody wrote it into the control group, and systemd would not restore it.
    if memory.high != of_systemd.map(whole_pages) {
        return Err(Refusal::Denied(format!("the limit of {id} was not set by systemd")));
    }
    match of_systemd.filter(|high| *high <= bytes) {
        Some(high) => Err(Refusal::Denied(format!("the limit of {id} is {} already", Bytes::new(high)))),
        None => Ok(()),
    }
}

/// Refuses to take back so much that the service could not work.
pub(super) fn may_reclaim(id: &str, memory: &Memory, min_bytes: u64, bytes: u64) -> Result<(), Refusal> {
    if bytes == 0 {
        return Err(Refusal::Invalid("`bytes` is 0".into()));
    }
    let used = used(id, memory)?;
    let keeps = min_bytes.max(used / 2);
    match used.checked_sub(bytes).filter(|left| *left >= keeps) {
        Some(_) => Ok(()),
        None => Err(Refusal::Denied(format!(
            "{id} uses {}, and keeps at least {}: {} is too much",
            Bytes::new(used),
            Bytes::new(keeps),
            Bytes::new(bytes)
        ))),
    }
}

fn used(id: &str, memory: &Memory) -> Result<u64, Refusal> {
    memory.total.ok_or_else(|| Refusal::Unavailable(format!("how much {id} uses cannot be read")))
}

/// The kernel rounds down what systemd writes.
fn whole_pages(bytes: u64) -> u64 {
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4_096);
    bytes.checked_div(page).map_or(bytes, |pages| pages.saturating_mul(page))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const MIB: u64 = 1 << 20;

    fn memory(total: Option<u64>, high: Option<u64>, limit: Option<u64>) -> Memory {
        let mut memory = Memory::nothing();
        (memory.total, memory.high, memory.limit) = (total, high, limit);
        memory
    }

    fn word(of: Result<(), Refusal>) -> &'static str {
        match of {
            Ok(()) => "yes",
            Err(Refusal::Denied(_)) => "denied",
            Err(Refusal::Invalid(_)) => "invalid",
            Err(Refusal::Unavailable(_)) => "unavailable",
            Err(_) => "other",
        }
    }

    #[test]
    fn a_limit_is_never_below_half_and_never_looser() {
        for (total, high, of_systemd, limit, bytes, expected) in [
            (Some(100), None, None, None, 50, "yes"),
            (Some(100), None, None, None, 49, "denied"),
            (None, None, None, None, 50, "unavailable"),
            (Some(100), Some(80), Some(80), None, 60, "yes"),
            (Some(100), Some(80), Some(80), None, 80, "denied"),
            (Some(100), Some(80), Some(80), None, 90, "denied"),
            (Some(100), Some(80), None, None, 60, "denied"),
            (Some(100), None, Some(80), None, 60, "denied"),
            (Some(100), None, None, Some(90), 80, "yes"),
            (Some(100), None, None, Some(90), 90, "invalid"),
            (Some(0), None, None, None, 64, "yes"),
            (Some(u64::MAX >> 20), None, None, None, 64, "denied"),
        ] {
            let [total, high, of_systemd, limit] =
                [total, high, of_systemd, limit].map(|mib| mib.map(|mib: u64| mib * MIB));
            let answer = may_limit("a.service", &memory(total, high, limit), of_systemd, bytes * MIB);
            assert_eq!(word(answer), expected, "{total:?} {high:?} {of_systemd:?} {limit:?} {bytes}");
        }
        // systemd keeps what was written, and the kernel rounds it down.
        let odd = memory(Some(100 * MIB), Some(80 * MIB), None);
        assert_eq!(word(may_limit("a.service", &odd, Some(80 * MIB + 1), 60 * MIB)), "yes");
    }

    #[test]
    fn half_of_it_and_the_least_stay() {
        for (total, least, bytes, expected) in [
            (Some(100), 10, 50, "yes"),
            (Some(100), 10, 51, "denied"),
            (Some(100), 90, 10, "yes"),
            (Some(100), 90, 11, "denied"),
            (Some(100), 10, 101, "denied"),
            (Some(100), 0, 0, "invalid"),
            (Some(0), 0, 1, "denied"),
            (None, 0, 1, "unavailable"),
        ] {
            let answer = may_reclaim(
                "a.service",
                &memory(total.map(|mib: u64| mib * MIB), None, None),
                least * MIB,
                bytes * MIB,
            );
            assert_eq!(word(answer), expected, "{total:?} {least} {bytes}");
        }
    }

    #[test]
    fn times_and_sizes_are_bounded() {
        for (lasting, expected) in [
            (0, "invalid"),
            (59_999, "invalid"),
            (60_000, "yes"),
            (86_400_000, "yes"),
            (86_400_001, "invalid"),
            (u64::MAX, "invalid"),
        ] {
            assert_eq!(word(check_lasting(Millis::new(lasting))), expected, "{lasting}");
        }
        assert!(pages(u64::MAX).is_err() && pages((1 << 62) + 1).is_err());
        assert_eq!(pages(1).unwrap() % 4_096, 0);
        assert_eq!(pages(64 * MIB).unwrap(), 64 * MIB);
    }
}
