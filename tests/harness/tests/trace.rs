//! A trace shows what a program changed, but not what it read or failed to change.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::path::Path;

use ansai_harness::Invocation;

/// The changes of a shell script below a directory. `$1` is that directory, which holds `file`; `$2` is another one.
fn mutations(script: &str) -> Vec<String> {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(directory.path().join("file"), "content").unwrap();
    let shell = Invocation::of("/bin/sh").current_dir(directory.path()).args(["-c", script, "name"]);
    let (ran, trace) = shell.arg(directory.path()).arg(other.path()).run_traced();
    ran.expect_code(0);
    trace.mutations_below(directory.path())
}

fn calls(script: &str) -> Vec<String> {
    mutations(script).iter().map(|call| call.split('(').next().unwrap().to_owned()).collect()
}

#[test]
fn reads_and_changes_elsewhere_are_not_shown() {
    assert_eq!(calls("cat \"$1/file\" file > /dev/null; ls -l \"$1\" > \"$2/list\"; cp file \"$2\""), [""; 0]);
}

#[test]
fn a_refused_change_is_not_shown() {
    assert_eq!(calls("rmdir \"$1/file\" 2> /dev/null; mkdir \"$1/no/such\" 2> /dev/null; true"), [""; 0]);
}

#[test]
fn a_write_is_shown_with_its_path() {
    let shown = mutations("echo more >> \"$1/file\"");
    assert!(shown.iter().any(|call| call.starts_with("write(") && call.contains("/file>")), "{shown:?}");
}

#[test]
fn relative_paths_and_odd_names_are_found() {
    assert_eq!(calls("mkdir 'ö \"<x>'"), ["mkdir"]);
    assert_eq!(calls("rm file"), ["unlinkat"]);
    assert_eq!(calls("cd \"$2\" && ln -s \"$1\" link && chmod 600 link/file"), ["fchmodat"]);
}

#[test]
fn a_reverted_change_is_shown() {
    let shown = calls("touch -d @1 file; mv file \"$2/file\"; mv \"$2/file\" file");
    assert!(shown.contains(&"utimensat".to_owned()), "{shown:?}");
    assert_eq!(shown.iter().filter(|call| call.starts_with("rename")).count(), 2, "{shown:?}");
}

#[test]
fn only_below_means_only_below() {
    let directory = tempfile::tempdir().unwrap();
    let (near, inside) = (directory.path().join("a-b"), directory.path().join("a"));
    let (_, trace) = Invocation::of("/bin/mkdir").arg(&near).arg(&inside).run_traced();
    assert_eq!(trace.mutations_below(&inside).len(), 1);
    assert_eq!(trace.mutations_below(directory.path()).len(), 2);
    assert!(trace.mutations_below(Path::new("/nonexistent")).is_empty());
}
