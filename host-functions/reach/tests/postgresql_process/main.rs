//! The tests of `postgresql`, with servers called by the process that calls servers.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, clippy::disallowed_methods, reason = "tests")]

mod ends;
#[path = "../postgresql/main.rs"]
mod tests;

pub(crate) use tests::{carrier, database, scene};
