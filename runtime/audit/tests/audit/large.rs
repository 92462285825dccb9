//! The memory for verifying a log does not grow with the log.
//!
//! The log has 256 MiB; `ANSAI_TEST_LOG_MIB=1024` changes that. A separate process verifies it and measures how much
//! its peak memory grows.

use std::path::{Path, PathBuf};
use std::process::Command;

use ansai_audit::{Durability, Head, Log, Options, verify};

const PLACE: &str = "ANSAI_TEST_LARGE_LOG";
const SIZE: &str = "ANSAI_TEST_LOG_MIB";
const RECORD_BYTES: usize = 700;
/// Maximum growth of peak memory, for reading ahead, one record, and the names of segments.
const MOST_KIB: u64 = 8 << 10;

#[test]
#[ignore = "not a test: what the test beside it runs as a process of its own"]
fn the_process_that_is_measured() {
    let Some(place) = std::env::var_os(PLACE).map(PathBuf::from) else { return };
    let head: Head = std::fs::read_to_string(place.join("head")).unwrap().parse().unwrap();
    // Verify a small log first, so that memory that every verification needs is not counted.
    verify(place.join("small"), None).unwrap();
    let before = peak_kib();
    let found = verify(place.join("large"), [head]).unwrap();
    std::fs::write(place.join("result"), format!("{} {}", peak_kib() - before, found.records)).unwrap();
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn write(directory: &Path, bytes: u64) -> Head {
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let (mut log, _) = Log::open(directory, options).unwrap();
    let payload = vec![b'r'; RECORD_BYTES];
    for _ in 0..bytes / RECORD_BYTES as u64 {
        log.append(&payload, Durability::Buffered).unwrap();
    }
    log.head()
}

#[test]
fn memory_does_not_grow_with_the_log() {
    let mebibytes = std::env::var(SIZE).map_or(256, |text| text.parse().expect("a number of MiB"));
    let place = tempfile::tempdir().unwrap();
    write(&place.path().join("small"), 100_000);
    let head = write(&place.path().join("large"), mebibytes << 20);
    std::fs::write(place.path().join("head"), head.to_string()).unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "large::the_process_that_is_measured", "--ignored", "--nocapture"])
        .env(PLACE, place.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let result = std::fs::read_to_string(place.path().join("result")).unwrap();
    let (grown, records) = result.split_once(' ').unwrap();
    assert_eq!(records.parse(), Ok(head.sequence));
    let grown: u64 = grown.parse().unwrap();
    eprintln!("{mebibytes} MiB, {records} records: {grown} KiB at most beyond the program itself");
    assert!(grown <= MOST_KIB, "{grown} KiB");
}
