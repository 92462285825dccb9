//! Selects the points of a scenario that are tested, and reports the failing ones.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::scenario::Occurrence;

/// A plain run tries one of so many points of each kind of file.
const PART: usize = 3;

/// Whether all occurrences are tried.
pub(crate) fn are_all() -> bool {
    std::env::var_os("ANSAI_TEST_ALL_POINTS").is_some()
}

/// Selects which third is tried. In CI it is another one after each commit; `ANSAI_TEST_SAMPLE=N` repeats one.
fn sample() -> usize {
    let variable = |name| std::env::var(name).ok();
    let commit = || usize::from_str_radix(variable("GITHUB_SHA")?.get(..8)?, 16).ok();
    variable("ANSAI_TEST_SAMPLE").and_then(|number| number.parse().ok()).or_else(commit).unwrap_or(0) % PART
}

/// The first and the last point, every point of the log, where intents and outcomes are recorded, and of each other kind
/// of file every third point.
pub(crate) fn part_of(chosen: Vec<Occurrence>) -> Vec<Occurrence> {
    let (sample, last) = (sample(), chosen.len().saturating_sub(1));
    let mut counts: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    let mut of_kind: BTreeMap<Vec<&str>, usize> = BTreeMap::new();
    for one in &chosen {
        *of_kind.entry(one.point.kinds.clone()).or_default() += 1;
    }
    let is_taken = move |(at, one): &(usize, Occurrence)| {
        let count = counts.entry(one.point.kinds.clone()).or_default();
        let number = std::mem::replace(count, *count + 1);
        // A kind with fewer points is tried too.
        let wanted = sample % of_kind.get(&one.point.kinds).copied().unwrap_or(1).clamp(1, PART);
        *at == 0 || *at == last || one.point.is_on("segment") || number % PART == wanted
    };
    chosen.into_iter().enumerate().filter(is_taken).map(|(_, one)| one).collect()
}

/// One occurrence of each pair of a point and its predecessor, and of these a part; all occurrences if
/// `ANSAI_TEST_ALL_POINTS` is set.
pub(crate) fn pairs(points: &[Occurrence]) -> Vec<Occurrence> {
    if are_all() {
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
    part_of(chosen)
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
    let which = if are_all() { "all".to_owned() } else { format!("sample {}", sample()) };
    let told = format!("{} of {of} points ({which}) in {seconds:.1} s, {} failed", chosen.len(), failed.len());
    // Printed by the test runner with the output: how many were tested, and how long it took.
    #[expect(clippy::print_stdout, reason = "tests tell how much they tried")]
    {
        println!("{told}");
    }
    assert!(!chosen.is_empty() && failed.is_empty(), "{told}\n{}", failed.join("\n"));
}
