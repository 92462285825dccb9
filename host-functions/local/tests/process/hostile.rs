//! Texts that the kernel would not write, in a tree that somebody else has made.

use std::os::unix::fs::symlink;

use ansai_core::Refusal;
use serde_json::{Value, json};

use crate::scene::{Files, call, everything, names};

const WEB: &str = "system.slice/web.service";

fn host() -> Files {
    let host = Files::new(&[]);
    host.unified(WEB, 4_096);
    host
}

/// A limit that cannot be read is not "no limit", and memory that cannot be read is not 0: the service is unknown, and
/// the others are told.
#[test]
fn what_everything_depends_on_must_be_as_documented() {
    let long = "anon 1\n".repeat(20_000);
    for (file, text) in [
        ("memory.stat", ""),
        ("memory.stat", "anon -1\n"),
        ("memory.stat", "anon 18446744073709551616\n"),
        ("memory.stat", "file 1\n"),
        ("memory.stat", "anon\u{a0}1\n"),
        ("memory.stat", long.as_str()),
        ("memory.max", "\n"),
        ("memory.max", "maximum\n"),
        ("memory.max", "99999999999999999999\n"),
        ("memory.high", "-1\n"),
        ("cgroup.procs", "x\n"),
        ("cgroup.procs", "-1\n"),
        ("cgroup.procs", "99999999999\n"),
    ] {
        let host = host();
        host.unified("system.slice/other.service", 7);
        host.write(&format!("sys/fs/cgroup/{WEB}/{file}"), text);
        let refused = host.look("web.service").unwrap_err();
        assert!(matches!(refused, Refusal::Unavailable(_)), "{file} {text:.40}: {refused}");
        let page = host.list(&[]).unwrap();
        assert_eq!((names(&page), &page["skipped"]), (vec!["other.service"], &json!(1)), "{file} {text:.40}");
    }
}

#[test]
fn numbers_that_only_inform_are_absent_if_they_are_none() {
    let host = host();
    for (file, text, field) in [
        ("memory.current", "x", "total-bytes"),
        ("memory.events", "oom_kill 99999999999999999999\n", "oom-kills"),
        ("memory.pressure", "some avg10=nan avg60=0 avg300=0 total=0\n", "memory-stall"),
        ("cpu.stat", "usage_usec -5\n", "cpu"),
        ("pids.current", "max\n", "tasks"),
        ("memory.swap.current", "1e9\n", "swapped-bytes"),
    ] {
        host.write(&format!("sys/fs/cgroup/{WEB}/{file}"), text);
        assert_eq!(host.look("web.service").unwrap()[field], Value::Null, "{file}");
    }
    host.write(
        &format!("sys/fs/cgroup/{WEB}/memory.stat"),
        "anon 18446744073709551615\nfile 5\nshmem 9\nkernel 18446744073709551615\n",
    );
    let usage = host.look("web.service").unwrap();
    assert_eq!((&usage["anonymous-bytes"], &usage["page-cache-bytes"]), (&json!(u64::MAX), &json!(0)));
}

/// Pipes are not waited for, and links are not followed.
#[test]
fn pipes_links_and_directories_in_the_place_of_files() {
    let host = host();
    let stat = host.path(&format!("sys/fs/cgroup/{WEB}/memory.stat"));
    std::fs::remove_file(&stat).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &stat, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(matches!(host.look("web.service"), Err(Refusal::Unavailable(_))));
    std::fs::remove_file(&stat).unwrap();
    symlink("/etc/passwd", &stat).unwrap();
    assert!(matches!(host.look("web.service"), Err(Refusal::Unavailable(_))));
    std::fs::remove_file(&stat).unwrap();
    std::fs::create_dir(&stat).unwrap();
    assert!(matches!(host.look("web.service"), Err(Refusal::Unavailable(_))));

    // A link in the place of a service leads nowhere.
    symlink(host.path("sys/fs/cgroup/system.slice/web.service"), host.path("sys/fs/cgroup/system.slice/link.service"))
        .unwrap();
    assert!(matches!(host.look("link.service"), Err(Refusal::NotFound(_) | Refusal::Unavailable(_))));
}

#[test]
fn names_that_are_none_are_not_listed_and_cannot_be_asked_for() {
    let host = host();
    for name in ["a\nb.service", "\u{1b}[2J.service", "a b.service", "é.service", ".service", "a@.service"] {
        host.unified(&format!("system.slice/{name}"), 1);
    }
    assert_eq!(names(&host.list(&[]).unwrap()), ["web.service"]);
    for (kind, name) in [
        ("unit", "../web.service"),
        ("unit", "web"),
        ("unit", ""),
        ("unit", "system.slice/web.service"),
        ("unit", "a\n.service"),
        ("unit", "web.socket"),
        ("container", "web.service"),
        ("\u{1b}[2J", "web.service"),
    ] {
        let about = json!({ "about": { "kind": kind, "name": name } });
        let refused = call(&host.host(), &everything(), "cgroup-probe.look", &about).unwrap_err();
        assert!(matches!(refused, Refusal::Invalid(_) | Refusal::Unsupported(_)), "{kind:?} {name:?}: {refused}");
        assert!(!refused.to_string().contains(['\u{1b}', '\n']), "{refused}");
    }
}

/// Deeper and more control groups than a service can have.
#[test]
fn trees_without_end_are_unknown() {
    let host = host();
    let deep = "x/".repeat(60);
    host.write(&format!("sys/fs/cgroup/{WEB}/{deep}cgroup.procs"), "1\n");
    for part in 1..60 {
        host.write(&format!("sys/fs/cgroup/{WEB}/{}cgroup.procs", "x/".repeat(part)), "");
    }
    assert!(matches!(host.look("web.service"), Err(Refusal::Unavailable(_))));
}
