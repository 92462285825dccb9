//! The virtual machine runs commands, loses with its power what was not flushed, and leaves nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]

use ansai_harness::virtual_machine::Disk;
use ansai_harness::{VirtualMachine, requires_virtual_machine};

#[test]
fn virtual_machine_loses_with_its_power_what_was_not_flushed() {
    if !requires_virtual_machine() {
        return;
    }
    let shared = tempfile::tempdir().unwrap();
    std::fs::write(shared.path().join("from-outside"), "hello").unwrap();
    let mut machine = VirtualMachine::new(&[Disk { mounted: "/srv/disk", content: shared.path(), mib: 16 }]);
    machine.boot();
    assert_eq!(machine.exec("systemctl is-system-running").stdout.trim(), "running");
    let ran = machine.exec("cat /srv/disk/from-outside; echo 'to stderr' >&2; exit 7");
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (7, "hello", "to stderr\n"));

    machine.exec("cd /srv/disk && echo one >flushed && sync flushed && echo two >not-flushed").expect_code(0);
    let seen = machine.exec("cat /srv/disk/not-flushed; sleep 6; cat /proc/sys/kernel/random/boot_id");
    let first = seen.expect_code(0).stdout.trim_start_matches("two\n").to_owned();
    machine.cut_power();
    let files = tempfile::tempdir().unwrap();
    machine.copy_disk("/srv/disk", files.path());
    let text = |name: &str| std::fs::read_to_string(files.path().join(name)).ok();
    assert_eq!((text("from-outside").as_deref(), text("flushed").as_deref()), (Some("hello"), Some("one\n")));
    assert_eq!(text("not-flushed"), None, "although longer than a commit interval of ext4 has passed");

    machine.boot();
    let seen = machine.exec("ls /srv/disk; cat /proc/sys/kernel/random/boot_id").expect_code(0).stdout.clone();
    assert!(seen.contains("flushed\n") && !seen.contains("not-flushed") && !seen.contains(&first), "{seen}");
    machine.exec("echo three >/srv/disk/at-the-end").expect_code(0);
    machine.power_off();
    let files = tempfile::tempdir().unwrap();
    machine.copy_disk("/srv/disk", files.path());
    assert_eq!(std::fs::read_to_string(files.path().join("at-the-end")).unwrap(), "three\n");
}
