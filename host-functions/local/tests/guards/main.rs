//! The guard in front of every removal, as the journal and the package cache pass it: what changed, is in use, is
//! protected, is on another mount, or could not be checked is not removed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod changes;
#[allow(dead_code, reason = "the races of files use all of it")]
#[path = "../files_races/gate.rs"]
mod gate;
mod journal;
mod journal_races;
mod packages;
mod packages_here;
mod scene;
mod users;
