//! `ansai:disk`: file systems as a whole.

pub mod actions;
mod kept;
pub mod mounts;
pub mod probe;
