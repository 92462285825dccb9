//! The tests of `mysql`, with servers called by the process that calls servers.

#[path = "../mysql/main.rs"]
mod tests;

pub(crate) use tests::{carrier, database, scene};
