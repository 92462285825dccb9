//! Makes faults on purpose, on disposable hosts, and measures who finds and heals them: ansai, systemd's `Restart=`, or Monit.
//! `make chaos` runs all faults and writes the table in `policies/README.md`; `make chaos FAULT=disk-fill` runs one.
//!
//! Each fault meets each contender on a host of its own: the same site, the same files, the same moment. A run in which the
//! fault did not happen is void.
#![allow(clippy::disallowed_methods, reason = "it starts programs and touches files")]

pub mod about;
pub mod board;
pub mod contender;
pub mod disk;
pub mod experiment;
pub mod fault;
pub mod figures;
pub mod hours;
pub mod idle;
pub mod interrupt;
pub mod measured;
pub mod normal_life;
pub mod programs;
pub mod reports;
pub mod site;
pub mod slow;
