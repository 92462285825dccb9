//! Whether a host has a package manager that ansai knows.

use ansai_kit::doctor::{Answer, Circumstances, Finding};

use super::cache;

/// Which of them this host has.
pub(super) fn package_manager(around: &Circumstances<'_>) -> Finding {
    const WHAT: &str = "package manager";
    let found: Vec<&str> = cache::managers(around.host).into_iter().map(cache::Manager::name).collect();
    match found.is_empty() {
        false => Finding::new(WHAT, Answer::Ok, found.join(", ")),
        true => Finding::new(WHAT, Answer::Missing, "neither apt nor dnf")
            .hint("ansai cannot clean the package caches of this host"),
    }
}
