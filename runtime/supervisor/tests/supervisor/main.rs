//! Tests of the public interface: a real policy, real child processes, a real state directory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests"
)]

mod advice;
mod after_undo;
mod announced;
mod approval;
mod attempts;
mod budgets;
mod clocks;
mod crash;
mod early_guards;
mod events;
mod evidence;
mod expiry;
mod export;
mod failure;
mod faulty;
mod fights;
mod full_disk;
mod grants;
mod guarded;
mod guarded_faults;
mod guarded_gone;
mod guarded_lasting;
mod guarded_late;
mod guarded_left;
mod guarded_undone;
mod guest;
mod healing;
mod held;
mod incidents;
mod instances;
mod intent;
mod killed;
mod ladder;
mod ladder_killed;
mod leases;
mod memory;
mod never;
mod one_at_a_time;
mod orders;
mod over_live;
mod power_cuts;
mod quarantine;
mod queries;
mod repeats;
mod retention;
mod running;
mod scene;
mod script;
mod set_file;
mod shares;
mod slow_actions;
mod stopping;
mod storm;
mod stream;
mod systemd_guards;
mod test_guards;
mod track_record;
mod undo_crash;
mod undo_preview;
mod verify_within;
mod waits;
