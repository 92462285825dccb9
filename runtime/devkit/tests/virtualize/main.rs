//! Composes components of other toolchains with their stand-in for WASI and evaluates them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod files;
mod javascript;
mod place;
mod refused;
mod rust;
mod text;
