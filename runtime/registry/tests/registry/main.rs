//! The client and the store from outside: a real registry with TLS and a login, and registries that lie.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

mod artifact;
mod encrypted;
mod hostile;
mod index;
mod interoperation;
mod last_good;
mod login;
mod memory;
mod real;
mod referrers;
mod signature;
mod store;
mod trust;
