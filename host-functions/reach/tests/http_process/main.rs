//! The tests of `http`, with servers called by the process that calls servers.

#[path = "../http/main.rs"]
mod tests;

pub(crate) use tests::{carrier, scene, servers, tls};
