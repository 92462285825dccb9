//! Uses the parts of Rust's standard library that need WASI, and reports the results.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ansai_sdk::{Decision, Failure, Host, Observation, Policy, Status, Subject};

ansai_sdk::policy!(Wasi, wit: "../../../../../policies/sdk/rust/sdk/tests/world");

struct Wasi;

#[derive(serde::Deserialize)]
struct Settings {}

fn said(key: &str, summary: impl std::fmt::Display) -> Observation {
    let about = Subject { kind: "wasi".into(), name: key.into() };
    Observation::new(key, about, Status::Healthy, summary.to_string())
}

fn came<T>(result: std::io::Result<T>) -> &'static str {
    if result.is_ok() { "it went well" } else { "an error" }
}

impl Policy for Wasi {
    type Settings = Settings;

    fn detect(_: &Settings, _: &Host) -> Result<Vec<Observation>, Failure> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let map: HashMap<&str, ()> = ["a", "b", "c", "d", "e", "f", "g"].map(|key| (key, ())).into();
        let order: Vec<&str> = map.keys().copied().collect();
        println!("in the order {}", order.join(""));
        let file = came(std::fs::read("/etc/passwd"));
        let directory = came(std::fs::read_dir("."));
        let written = came(std::fs::write("/tmp/x", "x"));
        let before = Instant::now();
        std::thread::sleep(Duration::from_secs(3600));
        let mut input = String::new();
        let read = std::io::stdin().read_to_string(&mut input).unwrap_or(usize::MAX);
        print!("a line ");
        println!("in pieces");
        eprintln!("an error of {} and {}", 1, 2);
        println!("{}", "ä".repeat(600));
        let _ = std::io::stdout().write_all(b"not \xff UTF-8\n\nthe last line");
        Ok(vec![
            said("clock", now),
            said("hash", order.len()),
            said("file", file),
            said("directory", directory),
            said("written", written),
            said("environment", std::env::vars().count()),
            said("arguments", std::env::args().count()),
            said("sleep", before.elapsed().as_secs()),
            said("input", read),
        ])
    }

    fn plan(_: &Settings, _: &Host, finding: &Observation) -> Result<Decision, Failure> {
        print!("the last words on {}", finding.key);
        let _ = std::io::stdout().flush();
        std::process::exit(3)
    }
}
