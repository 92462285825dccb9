//! Facts about this machine from the crate `sysinfo`.
//!
//! It returns 0 for what it cannot read. Values that cannot be 0 are checked here, so that a failed read is an error.

use ansai_core::{Millis, Refusal};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, System};

use super::procfs::{LoadAverage, MemoryState};

fn unavailable(what: &str, why: impl std::fmt::Display) -> Refusal {
    Refusal::Unavailable(format!("{what}: {why}"))
}

fn system(what: &str) -> Result<System, Refusal> {
    System::new().map_err(|error| unavailable(what, error))
}

/// Load averages and the number of processors.
pub(super) fn load() -> Result<LoadAverage, Refusal> {
    let load = System::load_average().map_err(|error| unavailable("load average", error))?;
    let mut system = system("processors")?;
    system.refresh_cpu_list(CpuRefreshKind::nothing());
    match u32::try_from(system.cpus().len()) {
        Ok(cpus) if cpus > 0 => Ok(LoadAverage { one: load.one, five: load.five, fifteen: load.fifteen, cpus }),
        _ => Err(unavailable("processors", "none could be counted")),
    }
}

/// Memory and swap, in bytes.
pub(super) fn memory() -> Result<MemoryState, Refusal> {
    let mut system = system("memory")?;
    system.refresh_memory_specifics(MemoryRefreshKind::everything());
    if system.total_memory() == 0 {
        return Err(unavailable("memory", "/proc/meminfo could not be read"));
    }
    Ok(MemoryState {
        total_bytes: system.total_memory(),
        available_bytes: system.available_memory(),
        free_bytes: system.free_memory(),
        swap_total_bytes: system.total_swap(),
        swap_free_bytes: system.free_swap(),
    })
}

/// Time since boot in milliseconds, accurate to one second.
pub(super) fn uptime() -> Result<Millis, Refusal> {
    let seconds = System::uptime().map_err(|error| unavailable("uptime", error))?;
    Ok(Millis::new(seconds.saturating_mul(1_000)))
}
