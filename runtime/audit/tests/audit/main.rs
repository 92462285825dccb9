//! Tests of the public interface, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests"
)]

mod exhaustive;
mod fixture;
mod full_disk;
mod heads;
mod large;
mod life;
mod properties;
mod recordings;
mod retention;
mod samples;
mod tampering;
mod torn_tail;
