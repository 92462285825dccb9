//! Hosts that lack something: a system call that such a host does not have fails in the child, from its start on. It reports
//! what is missing and why, and the other separations hold.

use std::path::Path;
use std::time::Duration;

use ansai_harness::requires_root;
use ansai_isolation::{Missing, Profile, Report, Separation};
use ansai_kit::program::{ITSELF, Program, User};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    apply_filter,
};

use crate::child;
use crate::refused::{Scene, attempted};
use crate::scene::start;

/// A kernel before Linux 5.13, or one without it.
const LANDLOCK: &str = "landlock";
/// A kernel without filters of system calls.
const SECCOMP: &str = "seccomp";
/// A host that has switched off namespaces of users.
const USER_NAMESPACES: &str = "user-namespaces";
/// A container in which nobody makes namespaces.
const NAMESPACES: &str = "namespaces";

/// The child: without what its second argument names, it is what its other arguments say.
pub(crate) fn run(arguments: &[String]) {
    lack(&arguments[2]);
    let rest: Vec<String> = arguments.iter().take(1).chain(&arguments[3..]).cloned().collect();
    child::run(&rest);
}

fn lack(what: &str) {
    let of = |argument, value| {
        let equal = SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value).unwrap();
        vec![SeccompRule::new(vec![equal]).unwrap()]
    };
    let (calls, errno) = match what {
        LANDLOCK => (vec![(libc::SYS_landlock_create_ruleset, vec![])], libc::ENOSYS),
        SECCOMP => (
            vec![
                (libc::SYS_seccomp, vec![]),
                (libc::SYS_prctl, of(0, u64::from(libc::PR_SET_SECCOMP.cast_unsigned()))),
            ],
            libc::EINVAL,
        ),
        USER_NAMESPACES => {
            (vec![(libc::SYS_unshare, of(0, u64::from(libc::CLONE_NEWUSER.cast_unsigned())))], libc::EPERM)
        }
        NAMESPACES => (vec![(libc::SYS_unshare, vec![])], libc::EPERM),
        other => panic!("{other}"),
    };
    let fails = SeccompAction::Errno(errno.cast_unsigned());
    let architecture = std::env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(calls.into_iter().collect(), SeccompAction::Allow, fails, architecture).unwrap();
    let program: BpfProgram = filter.try_into().unwrap();
    apply_filter(&program).unwrap();
}

/// The report of a guest worker on such a host.
fn report(what: &str) -> Report {
    start(Profile::Guest, "old", &["old", what, "echo"]).report
}

fn missing(report: &Report) -> Vec<Separation> {
    report.missing.iter().map(|one| one.separation).collect()
}

fn why(report: &Report, separation: Separation) -> &str {
    let found = report.missing.iter().find(|one| one.separation == separation);
    &found.unwrap_or_else(|| panic!("{separation:?}: {report:?}")).why
}

/// Attempts that a single missing separation does not make possible.
const REFUSED: &[&str] = &[
    "open /etc/passwd",
    "write to compiled code",
    "remove compiled code",
    "connect by TCP",
    "kill the parent",
    "ptrace the parent",
    "become root",
    "set capabilities",
    "mount",
    "raise a limit",
];

fn still_refused(what: &str, profile: Profile) {
    let scene = Scene::new();
    for name in REFUSED {
        let outcome = attempted(&scene, profile, &["old", what], name);
        assert!(outcome.starts_with("refused"), "without {what}, {name}: {outcome}");
    }
}

/// Would break: a child that does not start on such a host, a report that hides it, or one wall that everything depends on.
pub(crate) fn a_host_without_one_of_them_says_so_and_has_the_others() {
    if !requires_root() {
        return;
    }
    let old = report(LANDLOCK);
    assert_eq!(missing(&old), [Separation::Landlock, Separation::Scopes]);
    assert!(why(&old, Separation::Landlock).contains("no Landlock"), "{old:?}");
    still_refused(LANDLOCK, Profile::Guest);

    let old = report(SECCOMP);
    assert_eq!(missing(&old), [Separation::SystemCalls, Separation::Sockets]);
    assert!(!why(&old, Separation::SystemCalls).is_empty(), "{old:?}");
    still_refused(SECCOMP, Profile::Guest);

    let old = report(NAMESPACES);
    let lacks = [Separation::Ipc, Separation::HostName, Separation::Network, Separation::RootDirectory];
    assert_eq!(missing(&old), lacks);
    still_refused(NAMESPACES, Profile::Guest);
}

/// Prints the missing separations of [`without_root_and_namespaces_of_users_the_filter_and_landlock_hold`] as JSON.
pub(crate) fn print_report() {
    still_refused(USER_NAMESPACES, Profile::Guest);
    println!("{}", serde_json::to_string(&report(USER_NAMESPACES).missing).unwrap());
}

pub(crate) fn without_root_and_namespaces_of_users_the_filter_and_landlock_hold() {
    if !requires_root() {
        return;
    }
    let nobody = User { uid: 65_534, gid: 65_534 };
    let program = Program::new(Path::new(ITSELF)).args(["old-report"]).user(nobody);
    let ran = program.unmasked_stdout().kept_bytes(1 << 20).limit(Duration::from_secs(60)).run(&|| false).unwrap();
    let missing: Vec<Missing> = serde_json::from_str(&ran.stdout.to_string()).unwrap_or_else(|_| panic!("{ran:?}"));
    let old = Report { profile: Profile::Guest, uid: 65_534, missing };
    for separation in [Separation::SystemCalls, Separation::Landlock, Separation::Privileges, Separation::Limits] {
        assert!(old.has(separation), "{separation:?}: {old:?}");
    }
    assert!(why(&old, Separation::User).contains("not run as root"), "{old:?}");
    assert!(why(&old, Separation::RootDirectory).contains("no namespace of users"), "{old:?}");
}
