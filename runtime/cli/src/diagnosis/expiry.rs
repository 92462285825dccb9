//! Whether the lists of revocations that the configuration names are valid, and how long.

use std::path::Path;

use ansai_core::control::ExpiryState;
use ansai_daemon::{Configuration, expiry};
use ansai_kit::doctor::{Answer, Finding};
use ansai_supervisor::clock;

/// `None` if the configuration names none.
pub(super) fn lists(configuration: &Configuration, state_dir: &Path) -> Option<Finding> {
    const WHAT: &str = "lists of revocations";
    configuration.vouching.lists().next()?;
    let expiring = expiry::expiring(configuration, state_dir, clock::now());
    // Without a list, or after its end, new versions are not accepted. One that ends soon is still in force.
    let answer = match expiring.iter().all(|one| one.state == ExpiryState::Soon) {
        true => Answer::Ok,
        false => Answer::Missing,
    };
    let summaries: Vec<&str> = expiring.iter().map(|one| one.summary.as_str()).collect();
    match summaries.is_empty() {
        true => Some(Finding::new(WHAT, Answer::Ok, "valid, none expires soon")),
        false => Some(Finding::new(WHAT, answer, summaries.join("; "))),
    }
}
