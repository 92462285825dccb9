//! Workers that were taken over, under a whole supervisor: what is in the audit log afterwards, what it costs, and what other
//! instances notice. A worker is this program itself: `main` is the worker if its arguments say so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "../../../engine/tests/isolated/child.rs"]
mod child;
mod killed;
mod on_time;
mod plans;
mod scene;
#[path = "../../../engine/tests/engine/support.rs"]
#[allow(dead_code, reason = "others use the rest")]
mod support;
mod worst;

use ansai_harness::own_main::{Test, run};

const TESTS: &[Test] = &[
    (
        "everything_is_in_the_audit_log_and_memory_is_bounded",
        worst::everything_is_in_the_audit_log_and_memory_is_bounded,
    ),
    (
        "a_plan_has_only_the_steps_that_the_supervisor_previewed",
        plans::a_plan_has_only_the_steps_that_the_supervisor_previewed,
    ),
    ("a_worker_can_be_killed_at_each_step", killed::a_worker_can_be_killed_at_each_step),
    ("others_are_on_time", on_time::others_are_on_time),
    ("a_flood_of_crashes_ends_in_back_off", on_time::a_flood_of_crashes_ends_in_back_off),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [what, behaviour, job] if what == child::WORKER => child::start(behaviour, job),
        _ => run(TESTS, &arguments),
    }
}
