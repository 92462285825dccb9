//! The channel between two processes, and what a hostile end can do to it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod both_ends;
mod descriptors;
mod hostile;
mod peer;
mod pipes;
