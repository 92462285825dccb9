//! What `ansai doctor` says of the processes for guest code and clients.

use ansai_harness::requires_root;
use serde_json::Value;

use crate::orders::as_nobody;
use crate::support::{Scene, ansai};

fn isolation(findings: &Value) -> Vec<&Value> {
    let findings = findings.as_array().unwrap().iter();
    findings.filter(|finding| finding["what"].as_str().unwrap().starts_with("isolation of ")).collect()
}

#[test]
fn doctor_starts_a_process_of_each_kind() {
    if !requires_root() {
        return;
    }
    let place = Scene::new();
    let findings = place.ansai(&["doctor", "--format", "json"]).code(0).json();
    let found = isolation(&findings);
    assert_eq!(found.len(), 3, "{findings}");
    for finding in found {
        assert_eq!(finding["answer"], "ok", "{finding}");
        assert!(finding["detail"].as_str().unwrap().contains("separations in force, as user 6"), "{finding}");
    }
}

#[test]
fn without_root_doctor_says_what_is_missing_and_why() {
    if !requires_root() {
        return;
    }
    let place = Scene::new();
    let findings = as_nobody(&place, &["doctor", "--format", "json"]).run().json();
    let found = isolation(&findings);
    assert_eq!(found.len(), 3, "{findings}");
    for finding in found {
        assert_eq!(finding["answer"], "missing", "{finding}");
        assert!(finding["detail"].as_str().unwrap().contains("user (ansai does not run as root)"), "{finding}");
        assert_eq!(finding["hint"], "run `ansai explain isolation-missing`");
    }
    ansai(&["explain", "isolation-missing"]).code(0).says("Linux 5.13");
}

#[test]
fn only_ansai_starts_the_process() {
    assert!(!ansai(&["--help"]).stdout.contains("report-confinement"));
    ansai(&["report-confinement", "{}"]).code(3).complains("not started by ansai");
}
