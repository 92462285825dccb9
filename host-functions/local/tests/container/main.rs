//! `ansai:container` with real engines and with servers that lie.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod changed;
mod cleanup;
mod engines;
mod fake;
mod hostile;
mod scene;
mod treating;
