//! What a program gets.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ansai_core::codes;
use ansai_harness::requires_root;
use ansai_kit::program::{ENVIRONMENT, Program, User};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::process::Gid;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_thread_groups};

use crate::{LONG, Place, expect_code, run, said, shell};

const NOBODY: User = User { uid: 4_242, gid: 4_243 };

#[test]
fn the_environment_is_fixed() {
    let text = said(&Program::new(Path::new("/usr/bin/env")).limit(LONG));
    let found: BTreeMap<&str, &str> = text.lines().map(|line| line.split_once('=').unwrap()).collect();
    assert_eq!(found, BTreeMap::from(ENVIRONMENT));
}

#[test]
fn input_is_empty_or_handed_over_and_need_not_be_read() {
    assert_eq!(said(&shell("cat; echo end")), "end\n");
    let much = vec![b'x'; 1 << 20];
    assert_eq!(said(&shell("wc -c").input(&much)), "1048576\n");
    expect_code(&run(&shell("exit 3").input(&much)), 3);
    // A program that answers while it is still asked: neither side waits for the other.
    let echoed = run(&shell("cat").input(&much).kept_bytes(4 << 20)).stdout;
    assert_eq!((echoed.first.len(), echoed.omitted_bytes), (much.len(), 0));
}

/// Without `close_on_exec`, the descriptor that C code opened is listed too; without `setsid`, the session is ours.
#[test]
fn it_has_a_session_and_no_open_files() {
    let file = openat(CWD, "/dev/null", OFlags::RDONLY, Mode::empty()).unwrap();
    assert!(file.as_raw_fd() > 2 && rustix::io::fcntl_getfd(&file).unwrap().is_empty(), "it would be inherited");
    // The last one is the directory that `ls` itself has open.
    assert_eq!(said(&Program::new(Path::new("/bin/ls")).args(["/proc/self/fd"]).limit(LONG)), "0\n1\n2\n3\n");
    let text = said(&shell("umask; pwd; echo $$; cut -d' ' -f5,6 /proc/$$/stat; readlink /proc/$$/fd/0"));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["0077", "/"]);
    assert_eq!(lines[3], format!("{0} {0}", lines[2]), "it leads its group and its session");
    assert_eq!(lines[4], "/dev/null");
}

#[test]
fn another_user_has_no_groups_of_root() {
    if !requires_root() {
        return;
    }
    let script = "id -u; id -g; id -G; grep -c '^Cap[PE].*0000000000000000' /proc/self/status; cat /etc/shadow";
    // Root may have no other groups here. These are those of this thread alone, and the program is its child.
    let ran = std::thread::spawn(move || {
        set_thread_groups(&[Gid::from_raw(0), Gid::from_raw(4)]).unwrap();
        run(&shell(script).user(NOBODY))
    });
    let ran = ran.join().unwrap();
    expect_code(&ran, 1);
    assert_eq!(ran.stdout.to_string(), "4242\n4243\n4243\n2\n");
    assert!(ran.stderr.to_string().contains("Permission denied"), "{ran:?}");
    // The program is started as that user, who may not enter this directory.
    let place = Place::new();
    std::fs::set_permissions(place.path(""), Permissions::from_mode(0o700)).unwrap();
    std::fs::copy("/bin/true", place.path("true")).unwrap();
    let error = Program::new(&place.path("true")).user(NOBODY).run(&|| false).unwrap_err();
    assert_eq!(error.code(), codes::USER_SWITCH, "{error}");
}

#[test]
fn a_switch_that_is_impossible_or_incomplete_is_refused() {
    // To the kernel, this number means that nothing changes.
    for user in [User { uid: u32::MAX, gid: 0 }, User { uid: 0, gid: u32::MAX }] {
        let error = shell("id").user(user).run(&|| false).unwrap_err();
        assert_eq!(error.code(), codes::USER_SWITCH, "{error}");
    }
    // Without one of the two capabilities. They are those of this thread alone.
    for kept in [CapabilitySet::SETUID, CapabilitySet::SETGID] {
        let refused = std::thread::spawn(move || {
            let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
            let kept_some = set_capabilities(None, sets).is_ok();
            (kept_some, shell("id").user(NOBODY).run(&|| false).unwrap_err())
        });
        let (_, error) = refused.join().unwrap();
        assert_eq!(error.code(), codes::USER_SWITCH, "{error}");
    }
}
