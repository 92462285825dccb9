//! A wrong scenario fails, and faults take precedence over replies. That built-in policies pass theirs is in `isolations`.

use ansai_harness::{Ansai, guest};
use rustix::process::Signal;
use std::time::Duration;

use crate::bench::{Bench, built_in};

const LIST: &str = "ansai:disk/disk-probe.list-filesystems";
const EMPTY: &str =
    "[[reply]]\ncall = \"ansai:disk/disk-probe.list-filesystems\"\nok = { skipped = 0, entries = [] }\n";

#[test]
fn a_scenario_that_expects_something_else_fails_with_the_difference() {
    let bench = Bench::disk_space();
    let scenario = format!(
        "description = \"wrong on purpose\"\n{EMPTY}[expect]\nobservations = [{{ key = \"/nowhere\", status = \"healthy\" }}]\n"
    );
    bench.scenario("wrong", &scenario);
    let ran = bench.test(&[]);
    ran.expect_code(1);
    assert!(ran.stdout.contains("FAIL") && ran.stdout.contains("/nowhere"), "{}", ran.stdout);
    assert!(ran.stdout.contains("0 passed, 1 failed"), "{}", ran.stdout);
    assert!(!ran.stdout.contains('\u{1b}'), "no colours in a pipe");
    let coloured = bench.test(&["--color", "always"]);
    assert!(coloured.stdout.contains("\u{1b}[31m-"), "{}", coloured.stdout);
}

/// Each kind of fault, for a call whose reply would be healthy.
#[test]
fn faults_take_precedence_over_replies() {
    // Calls twice, and reports the result of the second call.
    let twice = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))
(func (export "detect") (result i32)
  (call $list (i32.const 4096)) (call $list (i32.const 4096))
  (call $tell (i32.const 4096) (i32.const 4)) i32.const 1024)"#;
    let bench = Bench::of(&guest::with_manifest(guest::of_text(twice), "twice"));
    let says = |name: &str, faults: &str, key: &str, status: &str| {
        let text = format!(
            "description = \"a fault\"\n[limits]\nreply_bytes = 1000\n{EMPTY}{faults}\n\
             [expect]\nobservations = [{{ key = \"{key}\", status = {status} }}]\n"
        );
        bench.scenario(name, &text);
    };
    let fault = |kind: &str, more: &str| format!("[[fault]]\ncall = \"{LIST}\"\nkind = \"{kind}\"\n{more}");
    says("none", "", "answered", "\"healthy\"");
    for kind in ["unavailable", "denied", "timed-out"] {
        says(kind, &fault(kind, ""), kind, &format!("{{ unknown = \"{kind}\" }}"));
    }
    says("huge", &fault("huge", "times = 1"), "over-budget", "{ unknown = \"over-budget\" }");
    says("incomplete", &fault("incomplete", ""), "answered", "\"healthy\"");
    says("once", &fault("unavailable", "times = 1"), "answered", "\"healthy\"");
    says("other-arguments", &fault("denied", "arguments = {}"), "denied", "{ unknown = \"denied\" }");
    let ran = bench.test(&[]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("8 passed, 0 failed"), "{}", ran.stdout);
}

#[test]
fn an_incomplete_reply_says_so() {
    let bench = Bench::disk_space();
    let text = built_in("healthy");
    assert!(text.contains("skipped = 0"));
    let fault = format!("[[fault]]\ncall = \"{LIST}\"\nkind = \"incomplete\"\n\n[expect]");
    bench.scenario("incomplete", &text.replace("[expect]", &fault));
    let ran = bench.test(&["--format", "json"]);
    ran.expect_code(1);
    let problems = ran.json()["scenarios"][0]["problems"][0].as_str().unwrap().to_owned();
    assert!(problems.contains("unreadable"), "{problems}");
}

#[test]
fn a_scenario_anywhere_can_be_run_and_names_are_chosen() {
    let bench = Bench::guest("healthy");
    let text = format!("description = \"d\"\n{EMPTY}[expect]\nobservations = [{{ key = \"answered\" }}]\n");
    bench.scenario("a-one", &text);
    bench.scenario("b-two", &text);
    let ran = bench.test(&["--only", "two"]);
    assert!(ran.expect_code(0).stdout.contains("1 passed"), "{}", ran.stdout);
    let elsewhere = tempfile::tempdir().unwrap();
    let file = elsewhere.path().join("else.toml");
    std::fs::write(&file, &text).unwrap();
    let ran = bench.test(&["--scenario", file.to_str().unwrap()]);
    assert!(ran.expect_code(0).stdout.contains("healthy/else"), "{}", ran.stdout);
    bench.test(&["--only", "three"]).expect_code(2);
}

#[test]
fn junit_has_every_scenario_and_is_well_formed() {
    let bench = Bench::guest("healthy");
    bench.scenario(
        "fine",
        &format!("description = \"d\"\n{EMPTY}[expect]\nobservations = [{{ key = \"answered\" }}]\n"),
    );
    let wrong = "description = \"d\"\n[expect]\nobservations = [{ key = \"<&\\\"\\u0001\" }]\n";
    bench.scenario("wrong<&", wrong);
    bench.scenario("broken", "description = ");
    let file = bench.path().join("junit.xml");
    bench.test(&["--junit", file.to_str().unwrap()]).expect_code(1);
    let xml = std::fs::read_to_string(&file).unwrap();
    assert!(xml.contains(r#"<testsuites name="ansai test" tests="3" failures="2""#), "{xml}");
    assert!(xml.contains(r#"<testsuite name="healthy" tests="3" failures="1" errors="1""#), "{xml}");
    assert!(xml.contains(r#"classname="healthy" name="wrong&lt;&amp;""#) && xml.contains("<failure"), "{xml}");
    assert!(xml.contains("<error message="), "{xml}");
    assert!(xml.chars().all(|c| c == '\n' || !c.is_control()), "{xml}");
    assert_eq!(xml.matches("<testcase").count(), xml.matches("</testcase>").count());
}

#[test]
fn watching_runs_again_what_has_changed() {
    const LIMIT: Duration = Duration::from_secs(30);
    let bench = Bench::guest("healthy");
    let text = |key: &str| format!("description = \"d\"\n{EMPTY}[expect]\nobservations = [{{ key = \"{key}\" }}]\n");
    bench.scenario("a", &text("answered"));
    let mut daemon = Ansai::new().arg("test").arg(bench.path()).arg("--watch").spawn();
    daemon.wait_for_line("1 passed, 0 failed", LIMIT);
    daemon.wait_for_line("watching", LIMIT);
    bench.scenario("a", &text("something else"));
    daemon.wait_for_line("0 passed, 1 failed", LIMIT);
    bench.scenario("a", "description = ");
    daemon.wait_for_nth_line(2, "0 passed, 1 failed", LIMIT);
    std::fs::write(bench.component(), "no component").unwrap();
    daemon.wait_for_line("not WebAssembly", LIMIT);
    std::fs::write(bench.component(), guest::of_file("healthy")).unwrap();
    bench.scenario("a", &text("answered"));
    daemon.wait_for_nth_line(2, "1 passed, 0 failed", LIMIT);
    daemon.signal(Signal::INT);
    daemon.wait(LIMIT);
}
