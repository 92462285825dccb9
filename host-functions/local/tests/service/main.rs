//! `ansai:service` on a real systemd.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod actions;
mod bus;
mod evidence;
mod probe;
mod scene;
