//! `ansai:database` and `ansai:postgresql` with a real PostgreSQL.
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
#[path = "../database/mod.rs"]
mod database;
mod faults;
mod hostile;
mod many;
mod probes;
mod replicas;
mod scene;
mod sessions;
mod statements;
