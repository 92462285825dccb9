//! `ansai:process` on fixture trees, on this machine, and on a real systemd.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod groups;
mod hostile;
mod list;
mod machine;
mod scene;
mod signals;
