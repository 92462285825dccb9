//! The engine from outside: loading, evaluating, replaying.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod evaluate;
mod load;
mod support;
