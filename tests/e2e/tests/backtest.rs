//! `ansai replay --with FILE --since DURATION`: what another version would have decided differently.

use ansai_harness::{Ansai, Ran, Scene, guest};
use serde_json::Value;

const LIST: &str = r#"(import "ansai:disk/disk-probe@0.2.0" "list-filesystems" (func $list (param i32)))"#;
const LOOKS: &str = "(call $list (i32.const 4096)) (call $tell (i32.const 4096) (i32.const 4))";

fn detect(imports: &str, body: &str) -> Vec<u8> {
    let text = format!("{imports}\n(func (export \"detect\") (result i32) {body} i32.const 1024)");
    guest::with_manifest(guest::of_text(&text), "looks")
}

/// Recorded evaluations of a policy that observes file systems.
fn evaluated(evaluations: usize) -> Scene {
    evaluated_of(&detect(LIST, LOOKS), evaluations, 0)
}

/// The same of another policy, whose runs end with this code.
fn evaluated_of(component: &[u8], evaluations: usize, code: i32) -> Scene {
    let scene = Scene::new();
    scene.policy("looks", component);
    for _ in 0..evaluations {
        let run = Ansai::new().args(["run", "--once"]).arg(scene.path("policies"));
        run.state_dir(scene.state_dir()).run().expect_code(code);
    }
    scene
}

fn with(scene: &Scene, component: &[u8], arguments: &[&str]) -> Ran {
    let file = scene.write("new.wasm", component);
    let replay = Ansai::new().args(["replay", "--with"]).arg(&file).args(arguments);
    replay.state_dir(scene.state_dir()).run()
}

#[test]
fn the_same_component_decides_the_same_and_other_calls_are_answered_where_they_are_recorded() {
    let scene = evaluated(3);
    let ran = with(&scene, &detect(LIST, LOOKS), &["--since", "1h"]);
    assert!(ran.expect_code(0).stdout.contains("3 same, 0 different, 0 unknown"), "{}", ran.stdout);
    // Calls twice and logs: a replay would end here.
    let log = r#"(import "ansai:policy/log@0.2.0" "write" (func $log (param i32 i32 i32)))"#;
    let more = format!("(call $log (i32.const 1) (i32.const 257) (i32.const 6)) (call $list (i32.const 4096)) {LOOKS}");
    let ran = with(&scene, &detect(&format!("{LIST} {log}"), &more), &["--since", "1h"]);
    assert!(ran.expect_code(0).stdout.contains("3 same"), "{}", ran.stdout);
}

#[test]
fn another_finding_is_different_and_counted() {
    let scene = evaluated(3);
    // Unhealthy where the other was healthy; and with another key.
    let ran = with(&scene, &detect(LIST, "(call $sick)"), &["--since", "1h"]);
    assert!(ran.expect_code(4).stdout.contains("0 same, 3 different"), "{}", ran.stdout);
    assert!(ran.stdout.contains("- healthy") && ran.stdout.contains("+ warning"), "{}", ran.stdout);
    assert!(ran.stdout.contains("looks  answered: 3 decisions changed"), "{}", ran.stdout);
    let ran = with(&scene, &detect(LIST, "(call $sick)"), &["--since", "1h", "--format", "json"]);
    let json: Value = ran.expect_code(4).json();
    assert_eq!(json["counts"]["different"], 3, "{json:#}");
    assert_eq!(json["differences"].as_array().unwrap().len(), 6, "{json:#}");
}

/// Always reports a finding; `body` is the body of `plan`.
fn plans(imports: &str, body: &str) -> Vec<u8> {
    let text = format!(
        "{imports}\n(func (export \"detect\") (result i32) (call $sick) i32.const 1024)\n\
         (func (export \"plan\") (param i32) (result i32) {body} i32.const 1024)"
    );
    guest::with_manifest(guest::of_text(&text), "looks")
}

#[test]
fn another_decision_is_different_and_other_words_are_not() {
    const GIVES_UP: &str = "(call $give-up (i32.const 4096) (i32.const 4))";
    let scene = evaluated_of(&plans("", GIVES_UP), 1, 3);
    let other_words = format!("(i32.store8 (i32.const 4096) (i32.const 1)) {GIVES_UP}");
    let ran = with(&scene, &plans("", &other_words), &["--since", "1h"]);
    assert!(ran.expect_code(0).stdout.contains("2 same, 0 different"), "{}", ran.stdout);
    // All zeros means: apply the proposed steps, of which there are none.
    let ran = with(&scene, &plans("", ""), &["--since", "1h"]);
    assert!(ran.expect_code(4).stdout.contains("1 same, 1 different"), "{}", ran.stdout);
    assert!(ran.stdout.contains("- {\"give-up\":\"answered\"}"), "{}", ran.stdout);
    assert!(ran.stdout.contains("+ {\"apply\":\"undo-applied\"}"), "{}", ran.stdout);
    // A step that was not proposed in the recording.
    let check = r#"(import "ansai:disk/disk-check-actions@0.2.0" "check-available"
        (func $check (param i32 i32 i64 i32 i32 i32)))"#;
    let proposes =
        "(call $check (i32.const 257) (i32.const 1) (i64.const 7) (i32.const 257) (i32.const 1) (i32.const 4096))";
    let ran = with(&scene, &plans(check, proposes), &["--since", "1h"]);
    assert!(ran.expect_code(4).stdout.contains("+ ansai:disk/disk-check-actions.check-available"), "{}", ran.stdout);
}

#[test]
fn unrecorded_calls_make_the_result_unknown() {
    let scene = evaluated(2);
    let held = r#"(import "ansai:files/files-probe@0.2.0" "list-held" (func $held (param i32)))"#;
    let asks = detect(held, "(call $held (i32.const 4096)) (call $tell (i32.const 4096) (i32.const 4))");
    let ran = with(&scene, &asks, &["--since", "1h"]);
    assert!(ran.expect_code(5).stdout.contains("0 different, 2 unknown"), "{}", ran.stdout);
    assert!(ran.stdout.contains("call not recorded: ansai:files/files-probe.list-held"), "{}", ran.stdout);
}

#[test]
fn instance_and_time_range_must_exist() {
    let scene = evaluated(1);
    let other = guest::of_file("healthy");
    let ran = with(&scene, &other, &["--since", "1h"]);
    assert!(ran.expect_code(2).stderr.contains("recorded instances: looks"), "{}", ran.stderr);
    with(&scene, &other, &["--since", "1h", "--instance", "looks"]).expect_code(0);
    with(&scene, &other, &["--since", "soon"]).expect_code(2);
    Ansai::new().args(["replay", "--since", "1h"]).state_dir(scene.state_dir()).run().expect_code(2);
    // Only recordings that the audit log confirms count.
    std::fs::remove_dir_all(scene.path("state/audit")).unwrap();
    let ran = with(&scene, &detect(LIST, LOOKS), &["--since", "1h"]);
    assert!(ran.expect_code(4).stdout.contains("1 refused"), "{}", ran.stdout);
}
