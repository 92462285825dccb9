//! The clock is shifted, and nothing else changes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ansai_harness::Invocation;

/// Run as a separate program by the test below.
#[test]
#[ignore = "it is the Rust program that another test starts"]
#[allow(clippy::print_stdout, reason = "its output is what is looked at")]
fn prints_what_it_sees() {
    let start = Instant::now();
    let file = std::env::temp_dir().join(format!("ansai-clock-{}", std::process::id()));
    std::fs::write(&file, "").unwrap();
    let stamp = file.metadata().unwrap().modified().unwrap();
    std::fs::remove_file(&file).unwrap();
    println!("now={}", seconds(SystemTime::now()));
    println!("file={}", seconds(stamp));
    println!("elapsed={}", start.elapsed().as_secs());
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

#[test]
fn a_rust_program_sees_another_time_but_true_file_times() {
    for hours in [-30, 0, 1000] {
        let ran = Invocation::of(std::env::current_exe().unwrap())
            .args(["--exact", "prints_what_it_sees", "--ignored", "--nocapture", "--test-threads=1"])
            .clock_offset_hours(hours)
            .run();
        ran.expect_code(0);
        let value = |name: &str| -> i64 {
            let start = ran.stdout.find(name).unwrap_or_else(|| panic!("no {name} in {}", ran.stdout)) + name.len();
            ran.stdout[start..].lines().next().unwrap().parse().unwrap()
        };
        let now = seconds(SystemTime::now());
        let slack = i64::try_from(Duration::from_secs(300).as_secs()).unwrap();
        assert!((value("now=") - (now + hours * 3600)).abs() < slack, "{hours} h: {}", ran.stdout);
        assert!((value("file=") - now).abs() < slack, "{hours} h: {}", ran.stdout);
        assert!(value("elapsed=") < slack, "{hours} h: {}", ran.stdout);
    }
}
