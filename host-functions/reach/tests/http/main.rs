//! `ansai:http` and servers on loopback that answer well, badly, or not at all.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests"
)]

mod bad_servers;
#[path = "../carrier/mod.rs"]
pub(crate) mod carrier;
mod check;
mod look;
mod renewal;
pub(crate) mod scene;
pub(crate) mod servers;
pub(crate) mod tls;
