#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
use ansai_core::approval::{ApprovalState, Decided};
use ansai_core::control::{AttemptStep, IncidentDetails, IncidentStatus, Moment, MomentKind, NextStep};
use ansai_core::order::Person;
use ansai_core::{InstanceName, Measure, Millis, Outcome, Severity, Status, Subject, Timestamp, Unit};

use super::super::incident;
use super::*;

const ONE: InstanceName = InstanceName::from_static("disk-space");
const NOW: u64 = 1_795_230_000_000;
const EVIL: &str = "/v\u{1b}[31mar\u{202e}";

fn ago(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(NOW - milliseconds)
}

fn closed_by(end: IncidentEnd) -> ClosedIncident {
    ClosedIncident {
        incident: format!("disk-space/{EVIL}/1"),
        instance: ONE,
        key: EVIL.into(),
        about: Subject::new("filesystem", EVIL),
        worst: Severity::Critical,
        summary: "a sentence that is long enough to need two lines on a terminal of eighty columns, and more".into(),
        healthy_before: None,
        opened: ago(300_500),
        closed: ago(60_000),
        attempts: 1,
        end,
    }
}

fn list() -> IncidentList {
    use IncidentEnd::{Displaced, Gone, Healed, HealedWithApproval, Recovered};
    let open = IncidentStatus {
        incident: format!("disk-space/{EVIL}/2"),
        instance: ONE,
        key: EVIL.into(),
        severity: Some(Severity::Warning),
        summary: EVIL.into(),
        unknown: None,
        opened: ago(500),
        confirmed: ago(0),
        attempts: 0,
        stage: String::new(),
        flaps: 0,
        next: NextStep::Observe,
    };
    IncidentList {
        at: ago(0),
        is_running: true,
        open: vec![open],
        more_open: 99_999,
        closed: [Healed, HealedWithApproval, Recovered, Gone, Displaced].map(closed_by).into(),
        more_closed: 7,
        known_since: ago(1_000_000),
    }
}

fn details() -> IncidentDetails {
    let by = Person { uid: 1_000, name: Some(EVIL.into()) };
    let step = |outcome| AttemptStep {
        step: 0,
        action: "ansai:files/files-actions.remove".into(),
        about: Subject::new("filesystem", EVIL),
        outcome,
        detail: format!("quarantined 12 files {EVIL}"),
        measures: vec![Measure::count("freed-bytes", 3 << 20, Unit::Bytes)],
    };
    let attempt = |plan: &str, verified, outcome| MomentKind::Attempt {
        plan: plan.into(),
        number: 1,
        ended: Some(ago(30_000)),
        verified,
        steps: vec![step(outcome); 12],
    };
    let asked = |state| MomentKind::Asked {
        plan: "p1".into(),
        state,
        until: ago(0),
        decided: Some(Decided { at: ago(1_000), by: by.clone(), reason: Some(EVIL.into()) }),
    };
    let kinds = [
        MomentKind::Opened { within: Some(Millis::new(300_000)) },
        MomentKind::Opened { within: None },
        MomentKind::Told { plan: Some("p1".into()), times: 12 },
        MomentKind::Told { plan: None, times: 0 },
        asked(ApprovalState::Open),
        asked(ApprovalState::Begun),
        asked(ApprovalState::Ended),
        asked(ApprovalState::Rejected),
        attempt("p1", Status::Unhealthy(Severity::Critical), Outcome::Done),
        attempt("p2", Status::Unknown(EVIL.into()), Outcome::Refused),
        attempt("p3", Status::Healthy, Outcome::Unknown),
        MomentKind::Unknown { why: EVIL.into() },
        MomentKind::Confirmed,
        MomentKind::Closed { end: IncidentEnd::HealedWithApproval },
    ];
    IncidentDetails {
        at: ago(0),
        is_running: true,
        incident: format!("disk-space/{EVIL}/1"),
        instance: ONE,
        key: EVIL.into(),
        about: Subject::new("filesystem", EVIL),
        severity: Some(Severity::Critical),
        summary: EVIL.into(),
        evidence: vec![Measure::text("mount", EVIL)],
        timeline: kinds.map(|what| Moment { at: ago(60_000), what }).into(),
        next: Some(NextStep::Person { attempts: 3 }),
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn pages_fit_the_terminal_and_foreign_texts_are_inert() {
    for width in [40, 80, 200] {
        let layout = Layout { width, all: false };
        for text in [render(&list(), true, layout), incident::render(&details(), layout)] {
            let text = plain(&text);
            for line in text.lines() {
                assert!(line.chars().count() <= width && !line.ends_with(' '), "{width}: {line:?}");
            }
            assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        }
    }
    let words = |text: &str| plain(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let layout = Layout { width: 200, all: false };
    let text = words(&render(&list(), true, layout));
    for expected in [
        "100000 open incidents",
        "open for less than 1 s",
        "and 99999 more: -v lists up to 1,000",
        "healed after 4 min, 1 attempt (was critical)",
        "healed, with approval, after 4 min",
        "recovered after 4 min",
        "displaced by a more severe one after 4 min",
        "and 7 more: -v",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let text = words(&incident::render(&details(), layout));
    for expected in [
        "found; it began within the 5 min before",
        "told with plan p1; the same 12 more times since",
        "plan p1 asks for approval: approved and begun by",
        "attempt 1, plan p1: still critical after 30 s",
        "and 2 more steps to undo what can be undone: `ansai undo p1`",
        "step 0, files-actions.remove on filesystem",
        "verified healthy",
        "next: left to a person: 3 attempts used",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("ansai undo p2"), "what was refused did nothing: {text}");
    let without = words(&render(&IncidentList { open: vec![], more_open: 0, closed: vec![], ..list() }, false, layout));
    assert_eq!(without, "no open incidents");
}

#[test]
fn documents_fit_their_schemas() {
    for (schema, document) in [
        (include_str!("../../../schemas/incidents.schema.json"), document(&list())),
        (include_str!("../../../schemas/incident.schema.json"), incident::document(&details())),
    ] {
        let validator = jsonschema::draft202012::new(&serde_json::from_str(schema).unwrap()).unwrap();
        let problems: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(problems.is_empty(), "{problems:?}\n{document}");
        let mut wrong = document;
        wrong["is_running"] = json!("yes");
        assert!(!validator.is_valid(&wrong));
    }
}
