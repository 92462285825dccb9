//! Real servers for tests, from Debian packages that are unpacked in the user's cache and not installed. They listen on
//! loopback or on sockets in a temporary directory, and end with the test.
//!
//! A test that cannot have its server is skipped with the reason, and fails with `CI=true`.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use ansai_harness::server::{free_port, packages};
//!
//! let Some(programs) = packages(&["nginx-light"]) else { return };
//! let directory = tempfile::tempdir().unwrap();
//! std::fs::write(directory.path().join("nginx.conf"), "events {}").unwrap();
//! let nginx = programs.program("nginx").arg("-p").arg(directory.path()).args(["-c", "nginx.conf"]).spawn();
//! nginx.wait_for_line("start worker", Duration::from_secs(10));
//! let _ = free_port();
//! ```

mod acme;
mod containers;
mod database;
mod mariadb;
mod node;
pub mod oci;
mod overlay;
mod packages;
mod postgresql;
pub mod referrers;

pub use acme::{Acme, mint, trust};
pub use containers::ContainerEngine;
pub use database::DatabaseServer;
pub use mariadb::Mariadb;
pub use node::node_tools;
pub use packages::{Packages, packages};
pub use postgresql::Postgresql;

/// A TCP port of 127.0.0.1 that was free a moment ago. Another program may take it, so a server that finds it in use is
/// started again with another one.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}
