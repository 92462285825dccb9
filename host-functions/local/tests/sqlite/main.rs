//! `ansai:sqlite` with real databases: of another user, in use, damaged, hostile.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod copying;
mod exchanged;
mod hostile;
mod killed;
mod looking;
mod other_process;
mod recovering;
mod scene;
mod shrinking;
