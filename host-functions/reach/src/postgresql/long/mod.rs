//! Steps that take minutes: a statement in a connection of its own, which the server goes on with if ansai ends.
//!
//! Such a statement is found again by the process id and the begin of its session. How it ended is told by the task that waits
//! for it; after a restart of ansai, by the catalogue.

mod conclude;
mod found;
mod running;
mod target;

pub(super) use found::Found;
pub(super) use running::begin;
pub(crate) use running::has_statements;
pub(super) use target::{Target, Verb};
