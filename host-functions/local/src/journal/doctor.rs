//! Whether a host has a systemd journal.
#![expect(clippy::disallowed_methods, reason = "an adapter to the host's file system")]

use std::io::ErrorKind;

use crate::disk::ways::answering_through_links;
use ansai_kit::doctor::{Answer, Circumstances, Finding};

/// Whether there is a journal, and whether it can be read.
pub(super) fn journal(around: &Circumstances<'_>) -> Finding {
    const WHAT: &str = "systemd journal";
    const PLACES: [&str; 2] = [super::survey::PATH, "/run/log/journal"];
    for place in PLACES {
        if let Err(silent) = answering_through_links(around.host, place.as_ref()) {
            return Finding::new(WHAT, Answer::Unknown, format!("{place}: {silent}")).hint("check this mount");
        }
        match std::fs::read_dir(around.host.path(place)) {
            Ok(_) => return Finding::new(WHAT, Answer::Ok, place),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Finding::new(WHAT, Answer::Unknown, format!("{place}: {error}"))
                    .hint("run as root, or join the group systemd-journal");
            }
        }
    }
    Finding::new(WHAT, Answer::Missing, format!("neither {} exists", PLACES.join(" nor ")))
        .hint("no action needed if systemd-journald does not run")
}
