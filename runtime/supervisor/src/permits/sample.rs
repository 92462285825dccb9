//! An incident for the tests of the sources of permits.
#![allow(clippy::unwrap_used, reason = "tests")]

use ansai_core::{Incident, InstanceName, Observation, Severity, Status, Subject, Timestamp};

static ONE: InstanceName = InstanceName::from_static("one");

/// A critical one about `/`, open since the beginning of time.
pub(super) fn incident() -> Incident {
    let finding = Observation {
        key: "k".into(),
        about: Subject::new("filesystem", "/"),
        status: Status::Unhealthy(Severity::Critical),
        summary: String::new(),
        evidence: vec![],
        related: vec![],
        distance: None,
    };
    Incident::open(&ONE, &finding, Timestamp::EPOCH).unwrap()
}
