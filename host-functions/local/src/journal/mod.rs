//! `ansai:journal`: the files of the systemd journal.

mod actions;
pub(crate) mod directory;
mod doctor;
mod names;
mod open_files;
mod probe;
mod survey;
mod vacuum;

pub use actions::JOURNAL_ACTIONS;
pub use probe::JOURNAL_PROBE;
