//! `ansai:system`: load, memory, pressure and uptime, from the kernel.
//!
//! Facts about this machine come from the crate `sysinfo` if it has them. Others, and all facts about a host with
//! another root directory, are read from the host's `/proc`.

mod kernel;
mod pressure;
mod probe;
mod procfs;

pub use probe::SYSTEM_PROBE;
