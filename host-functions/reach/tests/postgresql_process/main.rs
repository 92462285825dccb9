//! The tests of `postgresql`, with servers called by the process that calls servers.

#[path = "../postgresql/main.rs"]
mod tests;

pub(crate) use tests::{carrier, database, scene};
