//! `ansai:system`: load, memory, pressure, limits and uptime, from the kernel, and whether a restart is needed.
//!
//! Facts about this machine come from the crate `sysinfo` if it has them. Others, and all facts about a host with
//! another root directory, are read from the host's `/proc`.

mod kernel;
mod limits;
mod pressure;
mod probe;
mod procfs;
mod restart;

pub use probe::SYSTEM_PROBE;
