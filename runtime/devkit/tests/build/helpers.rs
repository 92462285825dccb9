//! One policy in each language uses the helpers of its SDK; all of them pass the same scenario.

use std::path::Path;

use crate::example::{built, copy, passes};
use crate::project::Project;

const SCENARIO: &str = include_str!("helpers/expected.toml");
/// `recommend` is refused in `detect`; the evaluation has an answer all the same.
const LOST: &str = "warn: the recommendation is lost: ";

fn source(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/build/helpers").join(name)).unwrap()
}

fn in_project(project: &Project, name: &str) {
    let text = source(if name == "policy.js" { "policy.ts" } else { name });
    std::fs::write(project.path().join(name), text).unwrap();
    project.only_scenario(SCENARIO);
    for (_, ran) in project.passes(1) {
        assert!(ran.log.iter().any(|line| line.starts_with(LOST)), "{:?}", ran.log);
    }
}

fn in_copy(test: &str, policy: &str, name: &str) {
    let dir = copy(policy);
    std::fs::write(dir.path().join(name), source(name)).unwrap();
    let Some(built) = built(test, dir.path()) else { return };
    let ran = passes(&built, SCENARIO);
    assert!(ran.log.iter().any(|line| line.starts_with(LOST)), "{:?}", ran.log);
}

#[test]
fn of_typescript() {
    if let Some(project) = Project::copy("examples/disk-space-typescript", "helpers::of_typescript") {
        in_project(&project, "policy.ts");
    }
}

#[test]
fn of_javascript() {
    if let Some(project) = crate::javascript::javascript("helpers::of_javascript") {
        in_project(&project, "policy.js");
    }
}

#[test]
fn of_python() {
    if let Some(project) = Project::copy("examples/disk-space-python", "helpers::of_python") {
        in_project(&project, "policy.py");
    }
}

#[test]
fn of_c() {
    in_copy("helpers::of_c", "disk-space-c", "policy.c");
}

#[test]
fn of_go() {
    in_copy("helpers::of_go", "disk-space-go", "policy.go");
}
