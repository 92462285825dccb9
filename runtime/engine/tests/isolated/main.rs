//! Evaluations in worker processes: honest ones, and such as were taken over. A worker is this program itself: `main` is the
//! worker if its arguments say so. A thread of the usual test harness could not confine itself.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]
#![allow(clippy::disallowed_methods, reason = "tests touch files")]

mod beside;
mod child;
mod killed;
mod many;
mod memory;
mod same;
#[path = "../engine/support.rs"]
#[allow(dead_code, reason = "others use the rest")]
mod support;
mod taken_over;

use ansai_core::Limits;
use ansai_core::event::Phase;
use ansai_engine::isolated::TrustLevel;
use ansai_engine::{Evaluation, Policy};
use ansai_harness::own_main::{Test, run};
use ansai_host_functions::live::Live;

use crate::support::*;

macro_rules! tests {
    ($($module:ident :: $test:ident,)*) => {
        &[$((concat!(stringify!($module), "::", stringify!($test)), || alone($module::$test())),)*]
    };
}

const TESTS: &[Test] = tests![
    taken_over::what_breaks_the_protocol_ends_worker_and_evaluation,
    taken_over::what_never_answers_is_ended_at_the_deadline,
    taken_over::a_call_that_is_not_granted_is_refused_and_recorded,
    taken_over::a_million_calls_end_where_the_budget_does,
    taken_over::a_call_before_the_worker_ends_is_recorded,
    taken_over::an_answer_is_checked_as_one_in_this_process,
    taken_over::figures_are_bounded_by_the_limits,
    taken_over::what_comes_after_the_end_belongs_to_no_evaluation,
    taken_over::others_go_on_while_one_is_silent,
    killed::a_worker_that_is_killed_between_evaluations_is_replaced,
    killed::a_flood_of_crashes_is_one_error_for_each_evaluation,
    killed::a_worker_that_dies_while_it_loads_is_an_error_of_loading,
    killed::a_worker_that_dies_while_it_loads_for_an_evaluation_is_a_fault_of_the_host,
    killed::a_worker_whose_evaluation_is_dropped_is_ended,
    killed::a_worker_serves_one_compartment_only,
    killed::a_shadow_shares_no_worker_with_what_it_runs_beside,
    killed::a_worker_is_kept_after_ordinary_errors_and_ended_after_strange_ones,
    many::many_short_evaluations_share_a_few_workers,
    many::evaluations_that_wait_for_something_else_get_more_workers,
    many::what_a_worker_uses_without_work_is_charged_to_nobody,
    many::who_gives_up_waiting_gives_up_the_place,
    many::a_worker_has_a_pool_of_memory,
    memory::attacks_cost_little_memory,
    same::a_worker_gives_what_this_process_gives,
    same::much_data_costs_the_same_fuel_everywhere,
    same::calls_that_a_worker_answers_itself_leave_the_same,
    beside::what_a_worker_says_of_calls_is_checked,
    beside::quotas_hold_although_a_worker_forges_writes,
    beside::what_is_carried_is_of_this_instance_only,
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [what, behaviour, job] if what == child::WORKER => child::start(behaviour, job),
        _ => run(TESTS, &arguments),
    }
}

fn alone(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

/// A policy with this `detect`, in workers that behave like this.
fn isolated(behaviour: &'static str, bytes: &[u8]) -> Policy {
    engine().load_isolated((&child::workers(behaviour), TrustLevel::Unsigned), bytes, None).unwrap()
}

/// A policy that lists file systems, and imports an action.
fn lists() -> Vec<u8> {
    policy(&format!("{LIST} {CHECK}"), "(call $list (i32.const 2048))", "")
}

/// Its `detect`, with the probe granted and the action not.
async fn detect(policy: &Policy, limits: &Limits) -> Evaluation<Live> {
    policy.detect(live(Phase::Detect, &["ansai:disk/disk-probe"]), limits).await
}
