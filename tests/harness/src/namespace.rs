//! Namespaces of mounts and processes for one test: what hangs in them hangs nobody else. At the end of the test, also
//! after SIGKILL, the kernel ends all processes and unmounts everything.

use std::process::Command;

const INSIDE: &str = "ANSAI_TEST_OWN_MOUNTS";

/// Runs the test of this name in a process with mounts and processes of its own. Needs root.
///
/// # Panics
/// If the test fails.
#[track_caller]
pub fn with_own_mounts(name: &str, test: impl FnOnce()) {
    inside(name, &[], test);
}

/// The same with a network of its own, in which there is only the loopback interface: nobody has a port of it yet.
///
/// # Panics
/// If the test fails.
#[track_caller]
pub fn with_own_network(name: &str, test: impl FnOnce()) {
    inside(name, &["--net"], || {
        crate::Invocation::of("ip").args(["link", "set", "lo", "up"]).run().expect_code(0);
        test();
    });
}

#[track_caller]
fn inside(name: &str, more: &[&str], test: impl FnOnce()) {
    if !crate::requires_root() {
        return;
    }
    if std::env::var_os(INSIDE).is_some_and(|inside| inside == name) {
        // Without unwinding: closing a file waits for its server too. The end of the process ends the server.
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            report(panic);
            std::process::exit(101);
        }));
        return test();
    }
    let program = std::env::current_exe().expect("this program has a path");
    // Removed here, because a test that fails ends without removing anything.
    let place = tempfile::tempdir().expect("a temporary directory");
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"])
        .args(more)
        .arg(program)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .env("TMPDIR", place.path())
        .status()
        .expect("unshare(1) of util-linux");
    assert!(status.success(), "{name} failed in a mount namespace: {status}");
}
