//! `ansai test --update` changes only the expectation.

use std::os::unix::fs::PermissionsExt as _;

use crate::bench::{Bench, built_in};

/// A scenario of the built-in policy with comments and another expectation.
fn changed(original: &str) -> String {
    let changed = original
        .replace("unhealthy = \"emergency\"", "unhealthy = \"notice\"")
        .replace("{ apply = \"stop\" }", "{ give-up = \"nothing helps\" }")
        .replace("enough-bytes = 21_000_000_001", "enough-bytes = 1");
    assert_ne!(changed, original);
    changed
}

#[test]
fn expectations_are_updated_to_the_results() {
    let bench = Bench::disk_space();
    let original = built_in("emergency")
        .replace("observations = [\n", "observations = [\n  # The root.\n")
        .replace("[expect]", "# What must come.\n[expect] # here")
        .replace("steps = [", "# In this order.\nsteps = [");
    let file = bench.scenario("emergency", &changed(&original));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    bench.test(&[]).expect_code(1);
    let before = std::fs::read_to_string(&file).unwrap();
    assert_eq!(before, changed(&original), "only --update writes");

    let ran = bench.test(&["--update"]);
    assert!(ran.expect_code(0).stdout.contains("1 updated"), "{}", ran.stdout);
    let after = std::fs::read_to_string(&file).unwrap();
    // A replaced integer is written without separators.
    assert_eq!(after.replace("21000000001", "21_000_000_001"), original);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    let left: Vec<_> = std::fs::read_dir(bench.path().join("scenarios")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    let ran = bench.test(&["--update"]);
    assert!(ran.expect_code(0).stdout.contains("1 passed, 0 failed"), "{}", ran.stdout);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), after);
}

#[test]
fn a_link_stays_a_link_and_a_broken_file_stays_as_it_is() {
    let bench = Bench::disk_space();
    let elsewhere = tempfile::tempdir().unwrap();
    let real = elsewhere.path().join("real.toml");
    std::fs::write(&real, changed(&built_in("emergency"))).unwrap();
    let link = bench.path().join("scenarios/link.toml");
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let broken = bench.scenario("broken", "description = \"d\"\nexpct = 1\n");
    bench.test(&["--update"]).expect_code(1);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(std::fs::read_to_string(&real).unwrap().contains("emergency"));
    assert_eq!(std::fs::read_to_string(&broken).unwrap(), "description = \"d\"\nexpct = 1\n");
}
