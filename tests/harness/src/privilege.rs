//! Tests that need root skip elsewhere, but never silently and never in continuous integration.

/// Whether the test may go on; when not, the reason has been printed and the test returns.
///
/// # Panics
/// Without root when `CI=true`: there, a test that does not run is a failure.
#[must_use]
pub fn requires_root() -> bool {
    if rustix::process::geteuid().is_root() {
        return true;
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "this test needs root, and with CI=true none is skipped");
    eprintln!("skipped: this test needs root");
    false
}
