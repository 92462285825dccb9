//! Builds policies with the real compilers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod c;
mod crossing;
mod example;
mod fixture;
mod go;
mod helpers;
mod javascript;
mod project;
mod python;
mod refused;
mod result;
mod target;
mod tools;
mod worker;
