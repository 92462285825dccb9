//! Channels against real servers, and against servers that misbehave.
// The schemas are long literals.
#![recursion_limit = "512"]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests: a failure is a panic with its reason"
)]

mod command;
mod fixture;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod mail;
mod mail_faults;
mod mail_figures;
mod postfix;
mod settings;
mod sockets;
mod webhook;
mod webhook_limits;
mod webhook_schemas;
