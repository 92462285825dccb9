//! Help, usage, completions.

use crate::support::*;

#[test]
fn every_command_has_help_with_an_example() {
    let commands = [
        "run",
        "check",
        "inspect",
        "new",
        "build",
        "virtualize",
        "test",
        "dev",
        "contract",
        "replay",
        "recordings list",
        "recordings show",
        "recordings export",
        "evidence",
        "audit head",
        "audit key",
        "audit verify",
        "audit show",
        "audit export",
        "undo",
        "wake",
        "status",
        "incidents",
        "history",
        "report",
        "doctor",
        "explain",
        "completions",
    ];
    for command in commands {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        ansai(&arguments).code(0).says("Example").says("ansai ").says("--state-dir");
    }
    ansai(&["help"]).code(0).says("any other error").says("an audit head cannot be verified");
    ansai(&["--version"]).code(0).says(env!("CARGO_PKG_VERSION"));
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in
        [&["run", "--sideways"][..], &["fly"], &["run"], &[], &["replay"], &["audit", "verify", "--head", "x"]]
    {
        let ran = ansai(arguments).code(2);
        assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        ansai(&["completions", shell]).code(0).says("recordings").says("state-dir");
    }
}

#[test]
fn there_is_a_manual_page_for_each_command_that_help_lists() {
    ansai(&["man"]).code(0).says(".TH ansai 1").says("audit");
    ansai(&["man", "run"]).code(0).says(".TH ansai-run 1").says("share\\-dir");
    ansai(&["man", "fly"]).code(2).complains("unknown command fly");
    let place = Scene::new();
    place.ansai(&["man", "--dir", "."]).code(0);
    let pages: Vec<String> = std::fs::read_dir(place.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for page in ["ansai.1", "ansai-run.1", "ansai-audit.1", "ansai-audit-verify.1"] {
        assert!(pages.iter().any(|found| found == page), "{page} is not among {pages:?}");
    }
    for hidden in ["ansai-man.1", "ansai-compile-component.1", "ansai-help.1", "ansai-audit-help.1"] {
        assert!(!pages.iter().any(|found| found == hidden), "{hidden}");
    }
    let verify = std::fs::read_to_string(place.path("ansai-audit-verify.1")).unwrap();
    assert!(verify.contains(".TH ansai-audit-verify 1"), "{verify}");
    place.ansai(&["man", "--dir", "none"]).code(1).complains("cannot write");
}

#[test]
fn a_closed_pipe_ends_quietly() {
    use std::io::Read as _;
    let place = Scene::new();
    let mut child = command(place.root(), &["completions", "bash"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn doctor_answers_without_anything_set_up() {
    let place = Scene::new();
    let ran = place.ansai(&["doctor"]).code(0).says("state directory").says("openat2").says("write leases");
    assert!(!place.path("state").exists(), "it made something:\n{}", ran.stdout);
    let findings = place.ansai(&["doctor", "--format", "json"]).code(0).json();
    assert!(findings.as_array().unwrap().len() >= 8);
    ansai(&["doctor", "--state-dir", "/proc/nowhere"]).says("missing  state directory");
}
