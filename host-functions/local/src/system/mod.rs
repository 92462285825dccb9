//! `ansai:system`: the machine's own state, from the kernel.
//!
//! Facts of this machine that the crate `sysinfo` has come from there; what it lacks, and all facts of a host
//! whose root is elsewhere, are read from that host's `/proc`.

mod kernel;
mod probe;
mod procfs;

pub use probe::SYSTEM_PROBE;
