//! Messages that another process sends. It is this program itself: `main` is that process if its arguments say so, an honest
//! one or one that was taken over, and otherwise a small harness that nextest and cargo understand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests"
)]

mod child;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../notify/fixture.rs"]
mod fixture;
#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod honest;
mod killed;
mod scene;
mod taken_over;

use ansai_harness::own_main::{self, Test};

const TESTS: &[Test] = &[
    ("answers_are_those_of_this_process", honest::answers_are_those_of_this_process),
    ("a_stop_ends_an_attempt_at_once", honest::a_stop_ends_an_attempt_at_once),
    ("a_process_that_is_killed_loses_and_repeats_nothing", killed::a_process_that_is_killed_loses_and_repeats_nothing),
    ("what_breaks_the_protocol_delivers_nothing", taken_over::what_breaks_the_protocol_delivers_nothing),
    ("what_it_says_is_masked_and_bounded", taken_over::what_it_says_is_masked_and_bounded),
    ("it_gets_what_it_needs_and_no_more", taken_over::it_gets_what_it_needs_and_no_more),
    ("each_channel_has_a_process_of_its_own", taken_over::each_channel_has_a_process_of_its_own),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1).map(String::as_str) {
        Some("look-up-names") => {
            let job = arguments.last().unwrap();
            std::process::exit(i32::from(ansai_reach::process::run_lookup(job)));
        }
        Some("child") => child::run(&arguments),
        _ => own_main::run(TESTS, &arguments[1..]),
    }
}
