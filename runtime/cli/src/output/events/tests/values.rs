//! What the samples have in common.

use ansai_core::fight::Fight;
use ansai_core::order::{Order, Person};
use ansai_core::storm::{Storm, StormCause, StormPhase};
use ansai_core::{InstanceName, Outcome, Recommendation, Severity, Status, Subject, Timestamp, Unit};

pub(super) fn statuses() -> [Status; 4] {
    [Status::Healthy, Status::Unhealthy(Severity::Critical), Status::Unknown("no answer".into()), Status::Gone]
}

pub(super) const OUTCOMES: [Outcome; 10] = [
    Outcome::Done,
    Outcome::Running,
    Outcome::Provisional,
    Outcome::Reverted,
    Outcome::Failed,
    Outcome::Refused,
    Outcome::Skipped,
    Outcome::Simulated,
    Outcome::Unknown,
    Outcome::Other,
];

pub(super) fn order() -> Order {
    let (since, until) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
    Order { since, until, reason: "kernel update".into(), by: Person { uid: 1_000, name: Some("alice".into()) } }
}

pub(super) fn recommendation() -> Recommendation {
    let about = Some(Subject::new("table", "main/public.orders"));
    Recommendation { about, summary: "grow it".into(), detail: "".into(), measures: vec![] }
}

pub(super) fn storm(why: StormCause, phase: StormPhase) -> Storm {
    let ten_minutes = ansai_core::Millis::new(600_000);
    Storm { phase, why, count: 31, within: ten_minutes, since: Timestamp::from_millis(1), quiet: ten_minutes }
}

pub(super) fn fight() -> Fight {
    let instances = (InstanceName::from_static("one"), InstanceName::from_static("two"));
    let (about, within) = (Subject::new("file", "/a"), ansai_core::Millis::from_hours(1));
    Fight { instances, about, turns: 3, within, since: Timestamp::from_millis(1) }
}

pub(super) fn budget_of_files() -> ansai_core::OverBudget {
    ansai_core::OverBudget {
        bound: "max_files".into(),
        action: "ansai:files/files-actions.remove".into(),
        about: Subject::new("filesystem", "/"),
        unit: Unit::None,
        noun: "file".into(),
        limit: 1,
        window: ansai_core::Millis::from_hours(24),
        used: 1,
        used_at: Some(Timestamp::from_millis(1)),
        needed: 2,
        next: Some(Timestamp::from_millis(2)),
        of: ansai_core::BudgetOf::Grant,
    }
}

pub(super) fn incident() -> Option<String> {
    Some(String::from("one/k/1"))
}
