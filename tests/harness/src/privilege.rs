//! Tests that need root are skipped without it, but never silently, and never in CI.

/// Whether the test can continue. If not, the reason has been printed and the test returns.
///
/// # Panics
/// Without root if `CI=true`, because a test that does not run is a failure there.
#[must_use]
pub fn requires_root() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "this test needs root, and with CI=true none is skipped");
    eprintln!("skipped: this test needs root");
    false
}
