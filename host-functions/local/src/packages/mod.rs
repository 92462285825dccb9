//! `ansai:packages`: the distribution's package manager.

mod actions;
mod cache;
mod clean;
mod contents;
mod doctor;
mod guard;
mod lock;
mod probe;

pub use actions::PACKAGES_ACTIONS;
pub use probe::PACKAGES_PROBE;
