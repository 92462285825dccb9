//! Directories of certbot in a temporary directory, with real certificates and with programs that stand in for certbot
//! and the server.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod bounds;
mod installing;
mod listing;
mod renewing;
mod scene;
mod staging_checks;
