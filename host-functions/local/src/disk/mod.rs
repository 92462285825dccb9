//! `ansai:disk`: file systems as a whole.

pub mod actions;
mod mount_cache;
pub mod mounts;
pub mod probe;
