//! Modules of npm that `scripts/setup test` installs in the user's cache.

use std::path::PathBuf;

use crate::privilege;
use crate::systemd_host::cache;

/// The directory with `node_modules` of these tools. `None` if they cannot be had: then the reason was printed, and the test
/// returns.
///
/// # Panics
/// If they are missing and `CI=true`.
#[must_use]
pub fn node_tools(name: &str) -> Option<PathBuf> {
    let place = cache().join("ansai/tools").join(name);
    let is_there = place.join("node_modules").is_dir();
    privilege::requires(is_there, &format!("the npm packages {name} of scripts/setup test")).then_some(place)
}
