//! `ansai:disk`: file systems as a whole.

pub mod actions;
pub mod filesystems;
mod mount_cache;
pub mod mounts;
pub mod probe;
pub(crate) mod ways;
