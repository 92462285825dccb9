//! `ansai:packages`: the distribution's package manager.

mod actions;
mod cache;
mod clean;
mod contents;
mod doctor;
mod guard;
mod lock;
mod probe;

pub use actions::PACKAGE_CACHE_ACTIONS;
pub use probe::PACKAGE_CACHE_PROBE;
