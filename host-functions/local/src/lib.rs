//! Domains that read and change this machine: file systems, files, kernel, journal, packages, services, processes.
//!
//! A domain that talks to a server, on this machine or elsewhere, belongs in `ansai-reach`. What all domains share,
//! such as actions and scopes, is in `ansai-kit`.
//!
//! Each domain has a directory. It declares its interfaces next to the functions that answer them, and has one line per
//! interface in [`INTERFACES`]. Every action that removes or replaces a file passes the guard in `safety` first.
//!
//! [`watch`] waits for what wakes a policy between its scheduled evaluations. [`step_unit`] runs programs of steps that
//! must outlive ansai. [`guard`] puts steps back although ansai is dead.
//!
//! ```
//! use ansai_kit::registry::Registry;
//! let registry = Registry::of(ansai_local::INTERFACES);
//! assert!(registry.find("ansai:disk/disk-probe", "list-filesystems").is_some());
//! ```

mod bus;
pub mod certificate;
mod check_step;
pub mod container;
mod detached;
pub mod disk;
pub mod facts;
pub mod files;
pub mod guard;
pub mod hook;
pub mod journal;
pub mod packages;
pub mod process;
mod recent;
mod safety;
pub mod service;
pub mod sqlite;
pub mod step_unit;
pub mod system;
pub mod watch;

use ansai_kit::registry::InterfaceDef;

/// All interfaces of these domains.
pub const INTERFACES: &[&InterfaceDef] = &[
    &disk::probe::DISK_PROBE,
    &disk::actions::DISK_CHECK_ACTIONS,
    &files::FILES_PROBE,
    &files::FILES_ACTIONS,
    &files::QUARANTINE_ACTIONS,
    &system::SYSTEM_PROBE,
    &journal::JOURNAL_PROBE,
    &journal::JOURNAL_VACUUM_ACTIONS,
    &packages::PACKAGE_CACHE_PROBE,
    &packages::PACKAGE_CACHE_ACTIONS,
    &service::SERVICE_PROBE,
    &service::SERVICE_ACTIONS,
    &certificate::CERTIFICATE_PROBE,
    &certificate::CERTIFICATE_ACTIONS,
    &process::PROCESS_PROBE,
    &process::CGROUP_PROBE,
    &hook::HOOK_PROBE,
    &hook::HOOK_ACTIONS,
    &process::PROCESS_ACTIONS,
    &service::SERVICE_MEMORY_ACTIONS,
    &container::CONTAINER_PROBE,
    &container::CONTAINER_ACTIONS,
    &container::CONTAINER_CLEANUP_ACTIONS,
    &sqlite::SQLITE_PROBE,
    &sqlite::SQLITE_ACTIONS,
];
