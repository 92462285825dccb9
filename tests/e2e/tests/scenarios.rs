//! Every built-in policy passes its own scenarios, and a scenario that is wrong fails.

use ansai_harness::{Ansai, binary};

#[test]
fn the_built_in_policies_pass_their_scenarios() {
    let ran = Ansai::new().arg("test").arg(binary::repository().join("policies/disk-space")).run();
    ran.expect_code(0);
    assert!(ran.stdout.contains("passed"), "{}", ran.stdout);
}

#[test]
fn a_scenario_that_expects_something_else_fails_with_the_difference() {
    let dir = tempfile::tempdir().unwrap();
    let policy = dir.path().join("disk-space");
    std::fs::create_dir_all(policy.join("scenarios")).unwrap();
    std::fs::copy(binary::policy("disk-space"), policy.join("disk-space.wasm")).unwrap();
    let scenario = r#"
description = "wrong on purpose"
[[reply]]
call = "ansai:disk/disk-probe.list-filesystems"
ok = { skipped = 0, entries = [] }
[expect]
observations = [{ key = "/nowhere", status = "healthy" }]
"#;
    std::fs::write(policy.join("scenarios/wrong.toml"), scenario).unwrap();
    let ran = Ansai::new().arg("test").arg(&policy).run();
    assert_ne!(ran.code, 0);
    assert!(ran.stdout.contains("FAIL") && ran.stdout.contains("/nowhere"), "{}", ran.stdout);
}
