//! Unsafe code has a reason and a test; tests that do not run are listed by name.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ansai_harness::binary;

/// Files with unsafe code, and for each a test that fails if that code is wrong.
const UNSAFE: &[(&str, &str)] = &[
    ("host-functions/kit/src/host_clock.rs", "the_clocks_go_on"),
    ("host-functions/kit/src/program/child.rs", "it_has_a_session_and_no_open_files"),
    ("host-functions/local/src/safety/extents.rs", "what_shares_its_extents_is_skipped_and_what_is_freed_is_measured"),
    ("host-functions/local/src/safety/lease.rs", "who_waits_to_write_gets_the_file"),
    ("host-functions/local/tests/guards/users.rs", "a_file_that_a_process_writes_through_a_mapping_is_in_use"),
    ("host-functions/local/tests/hangs/leases.rs", "a_file_with_a_lease_"),
    ("runtime/engine/src/compiled_code.rs", "compiled_code_is_kept"),
    ("runtime/engine/src/gate/returns.rs", "the_layout_is_that_of_the_canonical_abi"),
    ("runtime/isolation/src/at_rest.rs", "what_is_released_is_smaller_and_still_there"),
    ("runtime/isolation/tests/escape/attempts.rs", "the_attempts_can_succeed"),
    ("runtime/isolation/tests/escape/child.rs", "a_guest_can_work"),
    ("tests/harness/src/stop/filter.rs", "healing_survives_a_kill_at_every"),
];

/// Valid reasons to ignore a test: it is a program that another test starts, or it is run only by name.
const NOT_A_TEST: &[&str] = &["not a test", "run by ", "it is the Rust program that another test starts"];

/// Requirements that not every machine has. Each is a job of the public CI.
const ELSEWHERE: &[&str] = &["miri", "advisories"];

/// Files that split another text at an `@`, and which.
const SPLIT_AT: &[(&str, &str)] = &[
    ("host-functions/kit/src/redact/text.rs", "a password in a URL"),
    ("host-functions/kit/src/redact/url.rs", "a password in a URL"),
    ("host-functions/local/src/journal/names.rs", "the name of a journal file"),
    ("host-functions/local/src/process/identity.rs", "the boot in the identity of a process"),
    ("host-functions/local/tests/process/signals.rs", "the same"),
    ("runtime/cli/src/commands/revoke.rs", "revoked versions of a policy"),
    ("runtime/cli/src/commands/update/accepted.rs", "an accepted version of an instance"),
    ("runtime/config/src/hidden.rs", "a password in a URL"),
    ("runtime/devkit/src/build/contract.rs", "the first line of a WIT package"),
    ("runtime/devkit/src/build/javascript/mod.rs", "the name of an npm package"),
    ("runtime/registry/src/names/mod.rs", "the short name of a policy"),
    ("runtime/registry/src/reference.rs", "a policy in a registry"),
];

/// The source files: path in the repository, and text.
fn sources() -> BTreeMap<String, String> {
    fn collect(directory: &Path, root: &Path, found: &mut BTreeMap<String, String>) {
        for entry in std::fs::read_dir(directory).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() && !path.is_symlink() && name != "target" && name != ".git" {
                collect(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                found.insert(path.strip_prefix(root).unwrap().display().to_string(), text);
            }
        }
    }
    let root = binary::repository();
    let mut found = BTreeMap::new();
    for part in ["host-functions", "runtime", "tests"] {
        collect(&root.join(part), &root, &mut found);
    }
    assert!(found.len() > 200, "the sources are found");
    found
}

/// Whether code uses `unsafe`; comments and string literals do not count.
fn has_unsafe(text: &str) -> bool {
    let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//") && !line.contains('"'));
    code.into_iter().any(|line| ["unsafe {", "unsafe fn ", "unsafe impl "].iter().any(|word| line.contains(word)))
}

#[test]
fn unsafe_code_is_where_it_is_known_to_be_with_a_reason_and_a_test() {
    let sources = sources();
    let found: BTreeSet<&str> =
        sources.iter().filter(|(_, text)| has_unsafe(text)).map(|(path, _)| path.as_str()).collect();
    let listed: BTreeSet<&str> = UNSAFE.iter().map(|(path, _)| *path).collect();
    assert_eq!(found, listed);
    for (path, test) in UNSAFE {
        let text = &sources[*path];
        let expected = text.split_once("unsafe_code,").map(|(_, after)| after.trim_start().starts_with("reason = "));
        assert_eq!(expected, Some(true), "{path} says why");
        assert!(text.contains("SAFETY:"), "{path} says why it is sound");
        assert!(sources.values().any(|text| text.contains(&format!("fn {test}"))), "{path}: there is no test {test}");
    }
}

/// Whether a line takes a text apart at an `@`.
fn splits_at(text: &str) -> bool {
    let at = ["'@'", "\"@\""];
    let takes_apart = ["split", "find(", "strip_", "position("];
    let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    code.into_iter()
        .any(|line| at.iter().any(|at| line.contains(at)) && takes_apart.iter().any(|word| line.contains(word)))
}

/// A name with a version and one without it are compared by `ansai_core::InterfaceName`, which was made for it.
#[test]
fn names_of_interfaces_are_taken_apart_by_their_type_alone() {
    for (line, found) in [
        ("let name = import.split('@').next();", true),
        ("if let Some((name, _)) = import.rsplit_once(\"@\") {", true),
        ("let end = import.find('@');", true),
        ("// import.split('@')", false),
        ("assert!(!unit.contains('@'));", false),
        ("let name = import.without_version();", false),
    ] {
        assert_eq!(splits_at(line), found, "{line}");
    }
    let sources = sources();
    let this = "tests/harness/tests/hygiene.rs";
    let found: BTreeSet<&str> =
        sources.iter().filter(|(path, text)| *path != this && splits_at(text)).map(|(path, _)| path.as_str()).collect();
    assert_eq!(found, SPLIT_AT.iter().map(|(path, _)| *path).collect());
}

#[test]
fn no_test_is_ignored_without_a_known_reason() {
    for (path, text) in sources() {
        for line in text.lines().filter(|line| line.trim_start().starts_with("#[ignore")) {
            let known = NOT_A_TEST.iter().any(|reason| line.contains(&format!("= \"{reason}")));
            assert!(known, "{path}: {line}");
        }
    }
}

#[test]
fn tests_that_cannot_run_here_run_in_public_ci() {
    let jobs = std::fs::read_to_string(binary::repository().join(".github/workflows/ci.yml")).unwrap();
    let list = std::fs::read_to_string(binary::repository().join("tests/README.md")).unwrap();
    for name in ELSEWHERE {
        assert!(jobs.contains(&format!("\n  {name}:\n")), "no job {name}");
        assert!(list.contains(&format!("| `{name}` |")), "tests/README.md does not list {name}");
    }
}
