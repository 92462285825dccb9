//! `ansai:journal`: the files of the systemd journal.

mod actions;
mod doctor;
mod names;
mod probe;
mod survey;
mod vacuum;

pub use actions::{JOURNAL_VACUUM_ACTIONS, MIN_KEEP_BYTES};
pub use probe::JOURNAL_PROBE;
