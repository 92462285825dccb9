//! What the memory controllers of both versions say.

use super::text::{keyed, legacy_limit, limit, number};
use crate::process::directory::Directory;
use crate::process::wire::{Accounting, Usage};
use crate::safety::processes::Unseen;

/// What the kernel counts. What it does not count is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Memory {
    accounting: Accounting,
    /// Everything that counts against the limits.
    pub(crate) total: Option<u64>,
    anonymous: u64,
    shared: Option<u64>,
    page_cache: Option<u64>,
    kernel: Option<u64>,
    swapped: Option<u64>,
    /// Without such a limit, absent.
    pub(crate) high: Option<u64>,
    /// Without such a limit, absent.
    pub(crate) limit: Option<u64>,
    oom_kills: Option<u64>,
    high_hits: Option<u64>,
    limit_hits: Option<u64>,
}

impl Memory {
    /// Of version 2; `None` without its controller.
    pub(super) fn unified(group: &Directory) -> Result<Option<Memory>, Unseen> {
        let Some(stat) = group.read("memory.stat")? else { return Ok(None) };
        let one = |name: &str| Ok(group.read(name)?.as_deref().and_then(number));
        // A limit that cannot be read is not "no limit".
        let limited = |name: &str| group.read(name)?.map_or(Ok(None), |text| limit(&text).ok_or(Unseen));
        let of = |key: &str| keyed(&stat, key);
        let shared = of("shmem");
        let events = group.read("memory.events")?.unwrap_or_default();
        Ok(Some(Memory {
            accounting: Accounting::Unified,
            total: one("memory.current")?,
            anonymous: of("anon").ok_or(Unseen)?,
            shared,
            page_cache: without(of("file"), shared),
            kernel: of("kernel").or_else(|| kernel_in_parts(&stat)),
            swapped: one("memory.swap.current")?,
            high: limited("memory.high")?,
            limit: limited("memory.max")?,
            oom_kills: keyed(&events, "oom_kill"),
            high_hits: keyed(&events, "high"),
            limit_hits: keyed(&events, "max"),
        }))
    }

    /// Of version 1; `None` without its controller.
    pub(super) fn legacy(group: &Directory) -> Result<Option<Memory>, Unseen> {
        let Some(stat) = group.read("memory.stat")? else { return Ok(None) };
        let one = |name: &str| Ok(group.read(name)?.as_deref().and_then(number));
        let of = |key: &str| keyed(&stat, key);
        let shared = of("total_shmem");
        let oom = group.read("memory.oom_control")?.unwrap_or_default();
        let limited = group.read("memory.limit_in_bytes")?;
        Ok(Some(Memory {
            accounting: Accounting::Legacy,
            total: one("memory.usage_in_bytes")?,
            anonymous: of("total_rss").ok_or(Unseen)?,
            shared,
            page_cache: without(of("total_cache"), shared),
            kernel: one("memory.kmem.usage_in_bytes")?,
            swapped: of("total_swap"),
            high: None,
            limit: limited.map_or(Ok(None), |text| legacy_limit(&text).ok_or(Unseen))?,
            oom_kills: keyed(&oom, "oom_kill"),
            high_hits: None,
            limit_hits: one("memory.failcnt")?,
        }))
    }

    /// As it crosses to policies.
    pub(super) fn fill(self, usage: Usage) -> Usage {
        Usage {
            accounting: self.accounting,
            total_bytes: self.total,
            anonymous_bytes: self.anonymous,
            shared_bytes: self.shared,
            page_cache_bytes: self.page_cache,
            kernel_bytes: self.kernel,
            swapped_bytes: self.swapped,
            high_bytes: self.high,
            limit_bytes: self.limit,
            oom_kills: self.oom_kills,
            high_hits: self.high_hits,
            limit_hits: self.limit_hits,
            ..usage
        }
    }
}

#[cfg(test)]
impl Memory {
    /// As a sample.
    pub(crate) fn nothing() -> Memory {
        Memory {
            accounting: Accounting::Unified,
            total: None,
            anonymous: 0,
            shared: None,
            page_cache: None,
            kernel: None,
            swapped: None,
            high: None,
            limit: None,
            oom_kills: None,
            high_hits: None,
            limit_hits: None,
        }
    }
}

/// The kernel counts shared memory as files. Both are read at nearly the same time.
fn without(files: Option<u64>, shared: Option<u64>) -> Option<u64> {
    files.map(|files| files.saturating_sub(shared.unwrap_or(0)))
}

/// Before Linux 5.18, there is no sum.
fn kernel_in_parts(stat: &str) -> Option<u64> {
    let of = |key: &str| keyed(stat, key);
    let rest = ["percpu", "sock", "pagetables"].iter().filter_map(|key| of(key));
    rest.fold(of("slab")?.checked_add(of("kernel_stack")?), |sum, part| sum?.checked_add(part))
}
