//! The built-in policies pass their scenarios, with guest code in one process and in a worker: the same results and fuel.
//! The tests of the devkit do the same with policies in other languages.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ansai_harness::{Ansai, binary};

/// A line for each scenario, with its result and its fuel, and without its time.
fn results(policy: &Path, isolation: &str, cache: &Path) -> Vec<String> {
    let test = Ansai::new().args(["test", "--isolation", isolation]).arg(policy);
    let ran = test.env("XDG_CACHE_HOME", cache).limit(Duration::from_secs(300)).run();
    ran.expect_code(0);
    assert!(ran.stdout.contains(" passed") && ran.stdout.contains(" in "), "{}", ran.stdout);
    let scenarios = ran.stdout.lines().filter_map(|line| line.split_once(" fuel, "));
    scenarios.map(|(line, _)| line.to_owned()).collect()
}

/// Would break: a built-in policy that fails one of its scenarios, or gives something else in a worker.
#[test]
fn all_scenarios_pass_and_give_the_same_in_a_worker() {
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
