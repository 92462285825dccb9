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

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use acme::{Acme, mint, trust};
pub use containers::ContainerEngine;
pub use database::DatabaseServer;
pub use mariadb::Mariadb;
pub use node::node_tools;
pub use packages::{Packages, packages};
pub use postgresql::Postgresql;

/// Ports that [`free_port`] gives out. The kernel gives out those from 32768 on.
const FIRST_PORT: u32 = 20_000;
const PORTS: u32 = 10_000;

/// A TCP port of 127.0.0.1, from 20000 to 29999, that was free a moment ago. It is below the ports that the kernel gives
/// out itself, so no listener or connection of another test gets it meanwhile. A process gets each port once, and each
/// process begins anywhere. A program with a fixed port may still take it.
///
/// # Panics
/// If there is none.
pub fn free_port() -> u16 {
    // By chance, not by the number of the process: tests in namespaces of their own all have the same one.
    static NEXT: LazyLock<AtomicU32> =
        LazyLock::new(|| AtomicU32::new((RandomState::new().hash_one(()) % u64::from(PORTS)) as u32));
    let found = (0..PORTS).find_map(|_| {
        let at = NEXT.fetch_add(1, Ordering::Relaxed) % PORTS;
        let port = u16::try_from(FIRST_PORT + at).expect("a port is below 65,536");
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok().then_some(port)
    });
    found.expect("a free port")
}
