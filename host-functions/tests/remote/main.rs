//! Calls of servers that hang, drip, close and answer, on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests"
)]

mod batches;
mod grants;
mod hanging;
mod limits;
mod manners;
mod pages;
mod scene;
mod servers;
