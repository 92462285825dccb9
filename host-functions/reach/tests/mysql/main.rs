//! `ansai:database` and `ansai:mysql` with a real MariaDB.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "tests"
)]

mod actions;
#[path = "../carrier/mod.rs"]
pub(crate) mod carrier;
#[path = "../database/mod.rs"]
pub(crate) mod database;
mod faults;
mod hostile;
mod itself;
mod many;
mod probes;
mod replicas;
pub(crate) mod scene;
mod sessions;
mod statements;
