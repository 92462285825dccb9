//! The audit log, recordings and undo: without records, with records, and after tampering.

use crate::support::*;

#[test]
fn nothing_recorded_yet_is_no_error() {
    let place = Scene::new();
    let genesis = place.ansai(&["audit", "head"]).code(0).stdout;
    assert!(genesis.starts_with("0:"), "{genesis}");
    place.ansai(&["audit", "verify"]).code(0);
    place.ansai(&["audit", "show"]).code(0).says("no records yet");
    assert_eq!(place.ansai(&["audit", "export"]).code(0).stdout, "");
    place.ansai(&["recordings", "list"]).code(0).says("no recordings");
    place.ansai(&["recordings", "show", "x"]).code(2).complains("no recording x");
    place.ansai(&["undo", "20260101t000000-000-0000"]).code(2).complains("nothing was ever done");
    assert!(!place.path("state").exists());
    let known = format!("3:{}", "0".repeat(64));
    place.ansai(&["audit", "verify", "--head", &known]).code(4).complains("has no records, but a head of record");
}

#[test]
fn records_can_be_read_and_narrowed() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    place.policy("q", &quiet("q"));
    place.ansai(&["run", "policies", "--once"]).code(0);
    let all = place.ansai(&["audit", "show"]).code(0).says("started").says("p: detect").stdout;
    let one = place.ansai(&["audit", "show", "--instance", "q"]).code(0).says("q: detect").stdout;
    assert!(one.lines().count() < all.lines().count() && !one.contains("p: detect"));
    let later = place.ansai(&["audit", "show", "--from", "2"]).code(0).stdout;
    assert_eq!(later.lines().count() + 1, all.lines().count());
    let exported = place.ansai(&["audit", "export"]).code(0).stdout;
    let record = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let begin: Vec<_> = exported.lines().take(2).map(record).collect();
    for (number, event) in [(1, "audit-key"), (2, "started")] {
        assert_eq!(begin[number - 1]["sequence"].as_u64(), Some(number as u64));
        assert_eq!(begin[number - 1]["record"]["event"].as_str(), Some(event));
    }
    place.ansai(&["undo", "20260101t000000-000-0000"]).code(2).complains("20260101t000000-000-0000");
}

#[test]
fn since_takes_an_age_or_a_time() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    place.ansai(&["run", "policies", "--once"]).code(0);
    let all = place.ansai(&["audit", "show"]).code(0).stdout;
    for since in ["1h", "2 days", "2001-02-03", "2001-02-03 04:05", "2001-02-03T04:05:06Z"] {
        assert_eq!(place.ansai(&["audit", "show", "--since", since]).code(0).stdout, all, "{since}");
        place.ansai(&["recordings", "list", "--since", since]).code(0).says("  p\n");
        place.ansai(&["replay", "--with", "policies/p/p.wasm", "--since", since]).code(0).says("1 evaluation in");
    }
    let future = "2999-01-01";
    assert_eq!(place.ansai(&["audit", "show", "--since", future]).code(0).stdout, "");
    place.ansai(&["recordings", "list", "--since", future]).code(0).says("no recordings since then");
    place.ansai(&["replay", "--with", "policies/p/p.wasm", "--since", future]).code(2).complains("earlier --since");
    // Once this was a record number.
    for command in [&["audit", "show"][..], &["recordings", "list"], &["replay", "--with", "p.wasm"]] {
        place.ansai(&[command, &["--since", "2"]].concat()).code(2).complains("expected an age such as `7d`");
    }
}

#[test]
fn a_changed_log_is_exit_code_4() {
    let place = Scene::new();
    place.policy("p", &quiet("p"));
    place.ansai(&["run", "policies", "--once"]).code(0);
    let wrong = format!("1:{}", "0".repeat(64));
    place.ansai(&["audit", "verify", "--head", &wrong]).code(4).complains("rewritten");
    let audit = place.path("state/audit");
    let segments = std::fs::read_dir(&audit).unwrap().map(|entry| entry.unwrap().path());
    let mut segments = segments.filter(|path| std::fs::read(path).unwrap().windows(7).any(|part| part == b"started"));
    let segment = segments.next().unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = bytes.windows(7).position(|part| part == b"started").unwrap();
    bytes[at] = b'S';
    std::fs::write(&segment, bytes).unwrap();
    place.ansai(&["audit", "verify"]).code(4).complains("changed or damaged");
}
