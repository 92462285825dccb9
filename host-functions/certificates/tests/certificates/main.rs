//! Certificates of files and of servers, good and bad.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod chains;
mod files;
mod openssl;
mod real;
mod servers;

use ansai_core::Timestamp;

/// 2026-11-29.
const NOW: u64 = 1_795_910_400;
const DAY: u64 = 86_400;

fn now() -> Timestamp {
    Timestamp::from_millis(NOW * 1000)
}
