//! `ansai:hook` with real programs and real servers: what they may do, and what ansai makes of them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod asking;
mod checking;
mod killed;
mod requests;
mod running;
mod scene;
mod server;
