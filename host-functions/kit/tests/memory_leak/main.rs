//! How well the policy `memory-leak` tells leaks from other growth. Its detector runs hour by hour over labelled curves,
//! with the host's own analysis of series.
//!
//! The table in `policies/memory-leak/README.md` is made here: `ANSAI_WRITE_REFERENCE=1` writes it again.
//!
//! `ANSAI_CONTROLS=DIRECTORY` adds recorded series without leaks: each `*.csv` there has a heading, and then lines with a
//! time, which is not read, and a number, one for each five minutes. The table in the README has the ten series of
//! CloudWatch from the Numenta Anomaly Benchmark (`realAWSCloudwatch`). Their license does not permit copies here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, clippy::print_stdout, reason = "tests")]

mod controls;
mod curves;
#[path = "../../../../policies/memory-leak/src/detector.rs"]
mod detector;
mod detectors;

use std::path::PathBuf;

use curves::{AN_HOUR, Curve};
use detectors::Detector;

/// What one detector says about one curve.
struct Verdict {
    /// The first hour at which it told of a leak while there was none.
    wrong_at: Option<usize>,
    /// The hours from the first true alarm until the limit is reached; an alarm in the last hour is too late.
    warning: Option<usize>,
}

fn judge(curve: &Curve, says_leak: Detector) -> Verdict {
    let mut verdict = Verdict { wrong_at: None, warning: None };
    let hours = curve.samples.len() / AN_HOUR;
    for hour in 1..=hours {
        let is_leak = curve.leaks_from.is_some_and(|from| hour > from);
        // One false alarm is enough.
        if !is_leak && verdict.wrong_at.is_some() {
            continue;
        }
        if says_leak(curve.samples.get(..hour * AN_HOUR).unwrap()) {
            if is_leak {
                verdict.warning = Some(hours - hour).filter(|hours| *hours > 0);
                break;
            }
            verdict.wrong_at = Some(hour);
        }
    }
    verdict
}

/// The line of one detector in the table.
fn line(name: &str, says_leak: Detector, curves: &[Curve]) -> String {
    let (mut found, mut leaks, mut wrong, mut warnings) = (0_usize, 0_usize, 0_usize, Vec::new());
    for curve in curves {
        let verdict = judge(curve, says_leak);
        leaks += usize::from(curve.leaks_from.is_some());
        wrong += usize::from(verdict.wrong_at.is_some());
        found += usize::from(verdict.warning.is_some());
        warnings.extend(verdict.warning);
        if let Some(hour) = verdict.wrong_at {
            println!("{name}: false alarm at hour {hour}: {}", curve.name);
        }
        if curve.leaks_from.is_some() {
            let told = verdict.warning.map_or("not found".to_owned(), |hours| format!("{hours} h before"));
            println!("{name}: {told}: {}", curve.name);
        }
    }
    warnings.sort_unstable();
    let (median, least) = (warnings.get(warnings.len() / 2), warnings.first());
    let hours = |hours: Option<&usize>| hours.map_or("none".into(), |hours| format!("{hours} h"));
    let precision = found as f64 / (found + wrong).max(1) as f64;
    let recall = found as f64 / leaks.max(1) as f64;
    format!("| {name} | {precision:.2} | {recall:.2} | {wrong} | {} | {} |", hours(median), hours(least))
}

fn readme() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../policies/memory-leak/README.md")
}

/// Compares the lines between two comments of the README, or writes them.
fn expect_in_readme(place: &str, lines: &[String]) {
    let text = std::fs::read_to_string(readme()).unwrap();
    let (begin, end) = (format!("<!-- {place} -->\n"), format!("<!-- end of {place} -->"));
    let (before, rest) = text.split_once(&begin).unwrap();
    let (found, after) = rest.split_once(&end).unwrap();
    let wanted = lines.join("\n") + "\n";
    if found == wanted {
        return;
    }
    assert!(
        std::env::var_os("ANSAI_WRITE_REFERENCE").is_some(),
        "the README has other numbers: ANSAI_WRITE_REFERENCE=1 writes\n{wanted}"
    );
    std::fs::write(readme(), format!("{before}{begin}{wanted}{end}{after}")).unwrap();
}

#[test]
fn the_table_of_the_readme_is_what_comes_out() {
    let curves = curves::all();
    let leaks = curves.iter().filter(|curve| curve.leaks_from.is_some()).count();
    let mut lines = vec![
        format!(
            "| {leaks} curves with a leak, {} without | precision | recall | false alarms | warning, median | warning, least |",
            curves.len() - leaks
        ),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(detectors::ALL.iter().map(|(name, says_leak)| line(name, *says_leak, &curves)));
    lines.iter().for_each(|line| println!("{line}"));
    expect_in_readme("curves", &lines);
}

#[test]
fn each_curve_has_a_name_of_its_own_and_every_leak_reaches_its_limit() {
    let curves = curves::all();
    assert!(curves.len() >= 40);
    let mut names: Vec<&str> = curves.iter().map(|curve| curve.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), curves.len());
    for curve in curves {
        let highest = curve.samples.iter().map(|one| one.memory).fold(0.0, f64::max);
        let is_by_processes = curve.samples.iter().any(|one| one.processes > 4.0);
        assert_eq!(highest >= 1.0, curve.leaks_from.is_some() || is_by_processes && highest >= 1.0, "{}", curve.name);
    }
}

#[test]
fn the_defaults_are_those_of_the_schema() {
    let schema = readme().with_file_name("settings.schema.json");
    let schema: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    let hours =
        |name: &str| schema.pointer(&format!("/properties/{name}/default")).unwrap().as_str().unwrap().to_owned();
    let expected = |time: u64| format!("{}h", time / 3_600_000);
    assert_eq!(hours("min_span"), expected(detectors::MIN_SPAN));
    assert_eq!(hours("horizon"), expected(detectors::HORIZON));
    assert_eq!(hours("first_day_horizon"), expected(detectors::FIRST_DAY_HORIZON));
    assert_eq!(hours("warm_up"), expected(detectors::WARM_UP));
}
