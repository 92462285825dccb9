//! Recorded series without leaks, from a directory that `ANSAI_CONTROLS` names.

use std::path::Path;

use crate::curves::{Curve, Sample};
use crate::{detectors, expect_in_readme, judge};

/// Reads one series. Its highest value is at 80 % of the limit.
fn read(file: &Path) -> Curve {
    let text = std::fs::read_to_string(file).unwrap();
    let values: Vec<f64> =
        text.lines().skip(1).filter_map(|line| line.rsplit(',').next()?.trim().parse().ok()).collect();
    assert!(!values.is_empty(), "{} has no numbers", file.display());
    let highest = values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let samples = values.iter().map(|value| Sample { memory: 0.8 * value / highest, processes: 4.0, run: 0 });
    Curve { name: "a recorded series", leaks_from: None, samples: samples.collect() }
}

#[test]
fn recorded_series_have_no_leak() {
    let Some(directory) = std::env::var_os("ANSAI_CONTROLS") else {
        println!("skipped: ANSAI_CONTROLS names no directory with recorded series");
        return;
    };
    let entries = Path::new(&directory).read_dir().unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|file| file.extension().is_some_and(|kind| kind == "csv")).collect();
    files.sort();
    let series: Vec<Curve> = files.iter().map(|file| read(file)).collect();
    let mut lines = vec![
        format!("| {} recorded series without a leak | with false alarms |", series.len()),
        "|---|---|".to_owned(),
    ];
    for (name, says_leak) in detectors::ALL {
        let mut wrong = 0;
        for (file, series) in files.iter().zip(&series) {
            if let Some(hour) = judge(series, says_leak).wrong_at {
                println!("{name}: false alarm at hour {hour}: {}", file.display());
                wrong += 1;
            }
        }
        lines.push(format!("| {name} | {wrong} |"));
    }
    expect_in_readme("controls", &lines);
}
