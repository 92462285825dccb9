//! The scenarios of the policies in Rust, with guest code in one process and in a worker: the same results, and the same fuel.
//! The tests of the devkit do the same with policies in other languages.

use std::path::{Path, PathBuf};

use ansai_harness::{Ansai, binary};

/// A line for each scenario, with its result and its fuel, and without its time.
fn results(policy: &Path, isolation: &str, cache: &Path) -> Vec<String> {
    let test = Ansai::new().args(["test", "--isolation", isolation]).arg(policy);
    let ran = test.env("XDG_CACHE_HOME", cache).run();
    ran.expect_code(0);
    let scenarios = ran.stdout.lines().filter_map(|line| line.split_once(" fuel, "));
    scenarios.map(|(line, _)| line.to_owned()).collect()
}

#[test]
fn all_scenarios_give_the_same_in_a_worker() {
    let policies = std::fs::read_dir(binary::repository().join("policies")).unwrap();
    let policies = policies.map(|entry| entry.unwrap().path()).filter(|path| path.join("policy.toml").exists());
    let mut policies: Vec<PathBuf> = policies.collect();
    policies.push(binary::repository().join("policies/examples/disk-space-rust"));
    assert!(policies.len() >= 7, "{policies:?}");
    let cache = tempfile::tempdir().unwrap();
    for policy in policies {
        let here = results(&policy, "thread", cache.path());
        assert!(!here.is_empty(), "{}", policy.display());
        assert_eq!(results(&policy, "process", cache.path()), here, "{}", policy.display());
    }
}
