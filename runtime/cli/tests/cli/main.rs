//! The real binary, as people and programs use it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests"
)]

mod approval;
mod audit;
mod audit_heads;
mod audit_retention;
mod author_bombs;
mod bad_input;
mod bombs;
mod check;
mod compile;
mod contract;
mod evidence;
mod expiring;
mod explain;
mod head_export;
mod help;
mod hooks;
mod init;
mod isolation;
mod keys;
mod list;
mod mistaken;
mod notify;
mod orders;
mod plans;
mod policy_index;
mod promote;
mod queries;
mod refused;
mod registry;
mod replay;
mod run;
mod schedules;
mod shadows;
mod share;
mod simulate;
mod stopping;
mod support;
mod trust;
mod undo;
mod updates;
mod verbs;
mod virtualize;
mod vouching;
