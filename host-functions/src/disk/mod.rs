//! `ansai:disk`: file systems as a whole.

pub mod actions;
pub mod mounts;
pub mod probe;
