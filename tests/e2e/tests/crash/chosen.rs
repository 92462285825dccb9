//! Selects the points of a scenario that are tested, and reports the failing ones.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::scenario::Occurrence;

/// One occurrence of each pair of a point and its predecessor; all occurrences if `ANSAI_TEST_ALL_POINTS` is set.
pub(crate) fn pairs(points: &[Occurrence]) -> Vec<Occurrence> {
    if std::env::var_os("ANSAI_TEST_ALL_POINTS").is_some() {
        return points.to_vec();
    }
    let mut known = Vec::new();
    let mut last = None;
    let mut chosen = Vec::new();
    for occurrence in points {
        let pair = (last.replace(&occurrence.point), &occurrence.point);
        if !known.contains(&pair) {
            known.push(pair);
            chosen.push(occurrence.clone());
        }
    }
    chosen
}

/// Tests each, and panics at the end with all failures.
#[track_caller]
pub(crate) fn each<T: std::fmt::Debug>(chosen: &[T], of: usize, mut attempt: impl FnMut(&T)) {
    let began = std::time::Instant::now();
    let mut failed = Vec::new();
    for one in chosen {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| attempt(one))) {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
            failed.push(format!("{one:?}: {text}"));
        }
    }
    let seconds = began.elapsed().as_secs_f32();
    let told = format!("{} of {of} points in {seconds:.1} s, {} failed", chosen.len(), failed.len());
    // Printed by the test runner with the output: how many were tested, and how long it took.
    #[expect(clippy::print_stdout, reason = "tests tell how much they tried")]
    {
        println!("{told}");
    }
    assert!(!chosen.is_empty() && failed.is_empty(), "{told}\n{}", failed.join("\n"));
}
