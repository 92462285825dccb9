//! Files that change while ansai checks them and acts: ansai never touches a file that it did not check, nor anything
//! outside the root.
//!
//! [`table`] makes each change at one exact moment. [`racers`] has adversaries that change files as fast as they can;
//! those of [`mounts`] and [`another_user`] use mounts and another process. [`random`] has random trees.
//! `ANSAI_RACE_TRIES` is the number of files that all adversaries attack.
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
