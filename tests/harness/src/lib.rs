//! Tools for the end-to-end tests of ansai. They start the real binary, on file systems that really fill up and on a
//! real systemd, shift its clock, and report everything that changed.
//!
//! It mocks nothing and is not a test framework. A failure is a panic that says what was expected. What a test started
//! is killed by process id when the test ends.
//!
//! ```no_run
//! use ansai_harness::{Ansai, Tree};
//!
//! let directory = tempfile::tempdir()?;
//! let before = Tree::snapshot(directory.path());
//! let ran = Ansai::new().args(["doctor", "--format", "json"]).state_dir(directory.path()).run();
//! assert!(ran.expect_code(0).json().is_object());
//! assert!(Tree::diff(&before, &Tree::snapshot(directory.path())).is_empty());
//! # Ok::<(), std::io::Error>(())
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests: a failure is a panic with its reason, and a skip is printed"
)]
#![allow(clippy::disallowed_methods, reason = "tests: they start programs and touch files")]

mod accepting;
pub mod binary;
pub mod browser;
pub mod command;
pub mod daemon;
pub mod debug_text;
pub mod disk;
pub mod faketime;
pub mod fuse;
pub mod guest;
pub mod mount;
pub mod namespace;
mod output;
pub mod own_main;
pub mod pki;
pub mod privilege;
pub mod scene;
pub mod search;
pub mod secret;
pub mod server;
pub mod stop;
mod syscalls;
pub mod systemd_host;
pub mod tls_server;
pub mod trace;
pub mod tree;
pub mod virtual_machine;
pub mod wait;

pub use command::{Ansai, Invocation, Ran};
pub use daemon::{Daemon, KILLED, peak_memory};
pub use disk::Disk;
pub use fuse::Fuse;
pub use mount::{Ext4, Tmpfs};
pub use namespace::{with_own_mounts, with_own_network};
pub use privilege::{requires_root, requires_virtual_machine};
pub use scene::Scene;
pub use stop::{Call, Then};
pub use systemd_host::SystemdHost;
pub use tree::{Change, Tree};
pub use virtual_machine::VirtualMachine;
pub use wait::{until, until_ok};
