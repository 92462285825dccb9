//! A process that confines itself and then tries to get out. It is this program itself: `main` is the child if its
//! arguments say so, and otherwise a small harness that nextest and cargo understand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

mod attempts;
mod child;
mod lifetime;
mod old;
mod refused;
mod scene;
mod seen;

use ansai_harness::own_main::{self, Test};

const TESTS: &[Test] = &[
    ("nothing_is_possible_for_a_guest", refused::nothing_is_possible_for_a_guest),
    ("nothing_is_possible_for_a_client_of_servers", refused::nothing_is_possible_for_a_client_of_servers),
    (
        "a_lookup_of_names_can_only_connect_and_read_libraries",
        refused::a_lookup_of_names_can_only_connect_and_read_libraries,
    ),
    ("without_root_almost_nothing_is_possible", refused::without_root_almost_nothing_is_possible),
    ("the_attempts_can_succeed", refused::the_attempts_can_succeed),
    ("a_guest_can_work", seen::a_guest_can_work),
    ("from_outside_it_has_no_rights", seen::from_outside_it_has_no_rights),
    ("purposes_have_different_users", seen::purposes_have_different_users),
    ("standard_error_is_bounded_and_inert", seen::standard_error_is_bounded_and_inert),
    ("a_flood_on_standard_error_costs_the_process", seen::a_flood_on_standard_error_costs_the_process),
    ("a_descriptor_from_a_child_ends_its_channel", seen::a_descriptor_from_a_child_ends_its_channel),
    ("dropping_a_process_ends_it", lifetime::dropping_a_process_ends_it),
    ("a_process_ends_with_ansai", lifetime::a_process_ends_with_ansai),
    ("an_abort_is_an_end", lifetime::an_abort_is_an_end),
    ("a_process_outlives_the_thread_that_asked_for_it", lifetime::a_process_outlives_the_thread_that_asked_for_it),
    (
        "a_host_without_one_of_them_says_so_and_has_the_others",
        old::a_host_without_one_of_them_says_so_and_has_the_others,
    ),
    (
        "without_root_and_namespaces_of_users_the_filter_and_landlock_hold",
        old::without_root_and_namespaces_of_users_the_filter_and_landlock_hold,
    ),
    ("only_ansai_starts_a_child", lifetime::only_ansai_starts_a_child),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("attempt" | "echo" | "work" | "talk" | "flood" | "descriptor" | "abort") => child::run(&arguments),
        Some("hold") => lifetime::hold(),
        Some("table") => refused::print_table(&arguments[2]),
        Some("unconfined") => refused::unconfined(&arguments),
        Some("old") => old::run(&arguments),
        Some("old-report") => old::print_report(),
        _ => own_main::run(TESTS, &arguments[1..]),
    }
}
