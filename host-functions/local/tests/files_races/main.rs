//! Files that change while ansai looks at them and acts: what was not judged is never touched, nor anything outside.
//!
//! [`table`] puts each change at one exact moment; [`racers`] has adversaries who change what they can as fast as
//! they can, [`mounts`] and [`another_user`] adversaries with means of their own; [`random`] has random trees.
//! `ANSAI_RACE_TRIES` is how many files they all get to fight for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests make files")]

mod another_user;
mod arena;
mod changes;
#[path = "../files_scene/mod.rs"]
mod files_scene;
mod full_disk;
mod gate;
mod mounts;
mod racers;
mod random;
mod table;
mod verb;
