//! A program stops before each call that changes a file, and the test decides what happens to it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use std::path::Path;

use ansai_harness::{Call, Invocation, KILLED, Ran, Then};
use rustix::io::Errno;

/// Runs a shell script in a directory, and returns its calls on that directory.
fn run(script: &str, mut decide: impl FnMut(&Call) -> Then) -> (tempfile::TempDir, Ran, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().to_owned();
    let mut calls = Vec::new();
    let ran = Invocation::of("/bin/sh").current_dir(&root).args(["-c", script]).run_stopping(|call| {
        if !call.paths.iter().any(|path| path.starts_with(&root)) {
            return Then::Go;
        }
        let names = call.paths.iter().map(|path| path.strip_prefix(&root).unwrap().display().to_string());
        calls.push(format!("{} {}", call.name, names.collect::<Vec<_>>().join(" ")));
        decide(call)
    });
    (directory, ran, calls)
}

fn text(directory: &Path, name: &str) -> Option<String> {
    std::fs::read_to_string(directory.join(name)).ok()
}

#[test]
fn changes_are_reported_with_their_paths_and_reads_are_not() {
    let (directory, ran, calls) =
        run("echo a > one; cat one > /dev/null; mv one two; mkdir d; sync two; rm two", |_| Then::Go);
    ran.expect_code(0);
    let wanted = ["openat one", "write one", "renameat2 one two", "mkdir d", "fsync two", "unlinkat two"];
    assert_eq!(calls, wanted);
    assert_eq!(directory.path().read_dir().unwrap().count(), 1);
}

#[test]
fn a_kill_comes_before_the_call() {
    let (directory, ran, _) = run("echo a > one; echo b >> one; echo never > two", |call| {
        if call.name == "write"
            && text(&call.paths[0], "").is_none()
            && std::fs::metadata(&call.paths[0]).unwrap().len() > 0
        {
            Then::Kill
        } else {
            Then::Go
        }
    });
    ran.expect_code(KILLED);
    assert_eq!(text(directory.path(), "one").as_deref(), Some("a\n"));
    assert_eq!(text(directory.path(), "two"), None);
}

#[test]
fn a_failed_call_is_not_made_and_a_short_write_is_partial() {
    let (directory, ran, _) = run("mkdir d 2> /dev/null || echo abcdef > one", |call| match call.name {
        "mkdir" => Then::Fail(Errno::ROFS),
        "write" if std::fs::metadata(&call.paths[0]).unwrap().len() == 0 => Then::Short(2),
        _ => Then::Go,
    });
    // Whether the shell continues to write depends on the shell.
    assert!(ran.code <= 2);
    assert!(!directory.path().join("d").exists());
    assert!(text(directory.path(), "one").unwrap().starts_with("ab"));
}
