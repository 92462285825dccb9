//! Random components and random calls: no panic, no access outside the grant, and every recording replays identically.
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
mod frames;
mod guest;
mod hostile;
mod loading;
mod registry;
mod rounds;
mod scene;
