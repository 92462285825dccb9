//! Tests that need root or an emulator are skipped without it, but never silently, and never in CI.

use crate::command::Invocation;
use crate::virtual_machine::PROGRAM;

/// Whether the test can continue. If not, the reason has been printed and the test returns.
///
/// # Panics
/// Without root if `CI=true`, because a test that does not run is a failure there.
#[must_use]
pub fn requires_root() -> bool {
    requires(rustix::process::geteuid().is_root(), "root")
}

/// The same for root and the emulator of [`VirtualMachine`](crate::VirtualMachine).
///
/// # Panics
/// As there.
#[must_use]
pub fn requires_virtual_machine() -> bool {
    requires_root() && requires(Invocation::of(PROGRAM).arg("--version").run().code == 0, PROGRAM)
}

pub(crate) fn requires(is_met: bool, what: &str) -> bool {
    if is_met {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "this test needs {what}, and with CI=true none is skipped");
    eprintln!("skipped: this test needs {what}");
    false
}
