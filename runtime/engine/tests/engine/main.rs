//! The engine from outside: loading, evaluating, replaying.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests touch files")]

mod calls;
mod compile;
mod evaluate;
mod leftovers;
mod load;
mod servers;
mod support;
mod versions;
