//! What a confined process can do, and what others see of it.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::time::Duration;

use ansai_harness::requires_root;
use ansai_isolation::{ChannelError, Profile, Separation};

use crate::scene::{MOST, PATIENCE, start, until};

/// The numbers of services without a user of their own.
const DYNAMIC: std::ops::RangeInclusive<u32> = 61_184..=65_519;

pub(crate) fn a_guest_can_work() {
    let mut child = start(Profile::Guest, "work", &["work"]);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"code").unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    child.channel.send(b"", Some(file.as_fd()), Some(PATIENCE)).unwrap();
    assert_eq!(child.receive(), "code 1 true 33554432 true");
}

pub(crate) fn from_outside_it_has_no_rights() {
    if !requires_root() {
        return;
    }
    for profile in Profile::ALL {
        let mut child = start(profile, "status", &["echo"]);
        child.channel.send(b"hello", None, None).unwrap();
        assert_eq!(child.receive(), "hello");
        assert_eq!(child.report.missing, [], "{profile:?}");
        assert!(profile.separations().all(|separation| child.report.has(separation)));
        assert_eq!(child.report.has(Separation::Network), profile != Profile::Lookup);
        let process = format!("/proc/{}", child.process.id());
        let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.unwrap_or_else(|| panic!("{name}: {status}")).split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(field(set), ["0000000000000000"], "{set}");
        }
        assert_eq!(
            (field("NoNewPrivs"), field("Seccomp"), field("Groups")),
            (vec!["1".into()], vec!["2".into()], vec![])
        );
        let uid: u32 = field("Uid")[0].parse().unwrap();
        assert!(DYNAMIC.contains(&uid) && uid == child.report.uid, "{uid}");
        assert_eq!(field("Uid"), [const { "" }; 4].map(|_| uid.to_string()));
        assert_eq!(field("Gid"), field("Uid"));
        assert_eq!(field("NSpid").len(), 2, "a namespace of processes");
        let descriptors = std::fs::read_dir(format!("{process}/fd")).unwrap().count();
        assert_eq!(descriptors, 4, "the socket twice, nothing, and standard error");
        let environment = std::fs::read(format!("{process}/environ")).unwrap();
        assert_eq!(environment, b"LANG=C.UTF-8\0PATH=/usr/sbin:/usr/bin:/sbin:/bin\0");
        let root = std::fs::read_dir(format!("{process}/root")).unwrap().count();
        assert_eq!(root == 0, profile == Profile::Guest);
    }
}

pub(crate) fn purposes_have_different_users() {
    if !requires_root() {
        return;
    }
    let uid = |purpose| start(Profile::Guest, purpose, &["echo"]).report.uid;
    let (one, other) = (uid("built-in"), uid("unsigned"));
    assert_ne!(one, other);
    assert_eq!((one, other), (uid("built-in"), uid("unsigned")), "the same purpose has the same user again");
}

pub(crate) fn standard_error_is_bounded_and_inert() {
    let mut child = start(Profile::Guest, "talk", &["talk"]);
    assert_eq!(child.receive(), "done");
    child.wait();
    let lines = child.process.last_lines();
    assert_eq!(lines.len(), 20);
    assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{lines:?}");
    assert_eq!(lines.last().map(String::as_str), Some("9900 more lines were left out"));
}

/// It has to wait when a megabyte was read; nobody else does.
pub(crate) fn a_flood_on_standard_error_costs_the_process() {
    let child = start(Profile::Guest, "flood", &["flood"]);
    let written = || {
        let text = std::fs::read_to_string(format!("/proc/{}/io", child.process.id())).unwrap();
        text.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse::<u64>().unwrap()
    };
    if !requires_root() {
        return;
    }
    until(|| (written() > 1 << 20).then_some(()));
    let mut before = 0;
    until(|| {
        let now = written();
        let is_waiting = now == std::mem::replace(&mut before, now);
        std::thread::sleep(Duration::from_millis(50));
        is_waiting.then_some(())
    });
    assert!(written() < 2 << 20, "{} bytes", written());
    let mut other = start(Profile::Guest, "flood", &["echo"]);
    other.channel.send(b"hello", None, None).unwrap();
    assert_eq!(other.receive(), "hello");
}

pub(crate) fn a_descriptor_from_a_child_ends_its_channel() {
    let mut child = start(Profile::Guest, "descriptor", &["descriptor"]);
    child.channel.send(b"", None, Some(PATIENCE)).unwrap();
    let refused = child.channel.receive(MOST, Some(PATIENCE));
    assert!(matches!(refused, Err(ChannelError::Protocol(_))), "{refused:?}");
    assert!(matches!(child.channel.receive(MOST, Some(PATIENCE)), Err(ChannelError::Closed)));
}
