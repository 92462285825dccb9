//! Random components and random calls: no panic, nothing outside the grant, every recording replayed identically.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod calls;
mod guest;
mod hostile;
mod loading;
mod rounds;
mod scene;
