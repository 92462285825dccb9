#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use ansai_core::event::{
    ApprovalDecision, ApprovalEnd, EvidenceDrop, EvidenceRef, Finding, InstanceRef, LogLine, Phase, PlannedStep,
    RecordingRef, SkipReason,
};
use ansai_core::fight::{Fight, FightEnd};
use ansai_core::hold::{HeldUnder, NotHeld};
use ansai_core::incident::{Progress, Reason, Tried, TriedStep};
use ansai_core::order::{Order, Pause, Person, Silence};
use ansai_core::promotion::{Feedback, Judgement, Missing, Promotion};
use ansai_core::quarantine::{Quarantine, Release};
use ansai_core::storm::{Storm, StormCause, StormPhase};
use ansai_core::{
    Bytes, Decision, ErrorKind, InstanceName, Measure, Millis, Mode, Observation, OnFailure, Outcome, Preview,
    Recommendation, Refusal, Severity, Share, Subject, Timestamp, Unit, Usage,
};
use ansai_harness::debug_text::is_debug_text;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn statuses() -> [Status; 4] {
    [Status::Healthy, Status::Unhealthy(Severity::Critical), Status::Unknown("no answer".into()), Status::Gone]
}

const OUTCOMES: [Outcome; 10] = [
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

fn order() -> Order {
    let (since, until) = (Timestamp::from_millis(1), Timestamp::from_millis(2));
    Order { since, until, reason: "kernel update".into(), by: Person { uid: 1_000, name: Some("alice".into()) } }
}

fn feedback(judgement: Judgement) -> Event {
    let (incident, instance, note) = ("one/k/1".into(), InstanceName::from_static("one"), Some("planned work".into()));
    let judged = Timestamp::from_millis(1);
    Event::Feedback(Feedback { incident, instance, key: "k".into(), judgement, note, by: order().by, judged })
}

fn promoted(missing: Vec<Missing>) -> Event {
    let (instance, action) = (InstanceName::from_static("one"), "ansai:files/files-actions".into());
    let (from, to, configuration_sha256) = (Mode::Observe, Mode::Approve, "ab".into());
    let promotion = Promotion { instance, action, from, to, missing, configuration_sha256 };
    Event::Promoted { promotion, by: order().by }
}

/// Every kind of event, with every part that has kinds of its own. No text has a word that begins with a capital.
fn samples() -> Vec<Event> {
    let (name, plan) = (InstanceName::from_static("one"), String::from("p1"));
    let incident = || Some(String::from("one/k/1"));
    let observation = |status| Observation {
        key: "k".into(),
        about: Subject::new("filesystem", "/"),
        status,
        summary: "93 % full".into(),
        evidence: vec![Measure::count("used-bytes", 4096, Unit::Bytes)],
        related: vec![],
        distance: None,
    };
    let until = Timestamp::from_millis(1);
    let suspended = |share| Event::Suspended { instance: InstanceName::from_static("one"), share, limit: 9, until };
    let mut samples = vec![
        Event::Started {
            version: "0.1.0".into(),
            mode: Mode::Enforce,
            instances: vec![InstanceRef {
                instance: name.clone(),
                component: "ab".into(),
                version: "1.0.0".into(),
                mode: Mode::Observe,
            }],
        },
        Event::Stopping { why: "asked to".into() },
        Event::Stopped { why: "asked to".into(), unrecorded: 3 },
        Event::NotLoaded { name: name.to_string(), kind: "digest".into(), error: "another component".into() },
        Event::Logged {
            instance: name.clone(),
            phase: Phase::Detect,
            lines: vec![LogLine { level: "info".into(), message: "looked".into() }],
            dropped: 0,
        },
        Event::Observed {
            instance: name.clone(),
            mode: Mode::Observe,
            findings: statuses()
                .map(|status| Finding {
                    observation: observation(status),
                    incident: incident(),
                    change: None,
                    healing: true,
                    held_under: None,
                    not_held: None,
                    silenced: false,
                })
                .into(),
            without_incident: 1,
        },
        Event::Failed {
            instance: name.clone(),
            mode: Mode::Observe,
            error: "out of fuel".into(),
            kind: Some(ErrorKind::Fuel),
        },
        Event::PlanFailed {
            instance: name.clone(),
            incident: incident(),
            plan: None,
            error: "out of fuel".into(),
            kind: Some(ErrorKind::Fuel),
        },
        Event::PlanFailed {
            instance: name.clone(),
            incident: None,
            plan: Some(plan.clone()),
            error: "no space".into(),
            kind: None,
        },
        Event::Intent(Intent {
            plan: plan.clone(),
            step: 0,
            instance: name.clone(),
            action: "ansai:files/files-actions.remove".into(),
            about: Subject::new("filesystem", "/"),
            arguments: json!({"reason": "full"}),
            targets: 2,
            targets_sha256: "ab".into(),
            plan_sha256: "cd".into(),
        }),
        Event::Running {
            plan: plan.clone(),
            step: 0,
            instance: name.clone(),
            handle: json!({"pid": 1}),
            until: Timestamp::from_millis(1),
        },
        Event::Guarded {
            plan: plan.clone(),
            step: 0,
            instance: name.clone(),
            armed: ansai_core::host_clock::ClockReading {
                wall: Timestamp::from_millis(1),
                since_boot: ansai_core::Millis::new(1),
                boot: "ab".into(),
                is_synchronized: true,
            },
            limit: ansai_core::Millis::from_hours(1),
            confirmable: true,
        },
        Event::Confirming { plan: plan.clone(), step: 0, instance: name.clone() },
        Event::Confirmed { plan: plan.clone(), step: 0, instance: name.clone() },
        Event::Progress { plan: plan.clone(), step: 0, instance: name.clone(), note: "scanned 4 of 9 files".into() },
        Event::Undoing(UndoIntent {
            plan: plan.clone(),
            step: 0,
            instance: name.clone(),
            by: "the host".into(),
            items_sha256: "ab".into(),
        }),
        Event::Pending {
            plan: plan.clone(),
            step: 0,
            instance: name.clone(),
            reason: Refusal::Denied("one is not configured".into()),
        },
        Event::AfterUndoIntent { plan: plan.clone(), step: 0, instance: name.clone(), by: "the host".into() },
        Event::RecordingsDropped { ids: vec!["a".into()] },
        Event::ClockJumped { jump_ms: -7_200_000 },
        Event::ClockBelieved { why: ansai_core::host_clock::Belief::Lasted },
        Event::AuditKey { public_key: "ab".into(), replaces: None, endorsement: None },
        Event::AuditKey { public_key: "ab".into(), replaces: Some("cd".into()), endorsement: Some("ef".into()) },
        Event::AuditKey { public_key: "ab".into(), replaces: Some("cd".into()), endorsement: None },
        Event::Repeated { instance: name.clone(), incident: incident(), times: 2, since: Timestamp::from_millis(1) },
        Event::Unchanged { instance: name.clone(), incident: incident(), times: 2, since: Timestamp::from_millis(1) },
        Event::Slowed { instance: name.clone(), share: Share::Processor, limit: 12_000 },
        Event::Resumed { instance: name.clone(), slowed: true },
        Event::Resumed { instance: name.clone(), slowed: false },
        Event::BackedOff {
            instance: name.clone(),
            faults: 3,
            kind: ErrorKind::Fuel,
            until: Timestamp::from_millis(9_000),
        },
        Event::Quarantined(Quarantine {
            instance: name.clone(),
            since: Timestamp::from_millis(1),
            faults: 10,
            kind: ErrorKind::Trap,
            error: "unreachable".into(),
        }),
        Event::Released { instance: name.clone(), why: Release::Answered, by: None },
        Event::Released { instance: name.clone(), why: Release::Changed, by: None },
        Event::Released { instance: name.clone(), why: Release::Resumed, by: Some(order().by) },
        Event::AuditDropped {
            from: 1,
            first: 1_205,
            previous: "ab".into(),
            reason: "size".into(),
            archived: true,
            public_key: "cd".into(),
        },
        Event::Watch { instance: name.clone(), watch: "file /etc/hosts".into(), error: None, kind: None },
        Event::Watch {
            instance: name.clone(),
            watch: "file /etc/hosts".into(),
            error: Some("is no longer watched: /etc was unmounted".into()),
            kind: Some("watch-failed".into()),
        },
        Event::Paused(Pause { instance: Some(name.clone()), order: order() }),
        Event::Paused(Pause { instance: None, order: order() }),
        Event::PauseEnded { instance: None, by: None },
        Event::PauseEnded { instance: Some(name.clone()), by: Some(order().by) },
        Event::Silenced(Silence { instance: Some(name.clone()), key: "k".into(), order: order() }),
        Event::SilenceEnded { instance: None, key: "k".into(), by: None },
        Event::Storm(storm(StormCause::Incidents, StormPhase::Stopped)),
        Event::Storm(storm(StormCause::FailedSteps, StormPhase::Stopped)),
        Event::Storm(storm(StormCause::FailedTrial, StormPhase::Trial)),
        Event::StormEnded { by: None },
        Event::StormEnded { by: Some(order().by) },
        Event::Fight(fight()),
        Event::FightEnded { fight: fight(), why: FightEnd::Resumed(order().by) },
        Event::FightEnded { fight: fight(), why: FightEnd::Configuration(name.clone()) },
        feedback(Judgement::FalseAlarm),
        feedback(Judgement::Helpful),
        promoted(vec![]),
        promoted(vec![Missing::Level, Missing::Days { have: 1, need: 7 }]),
        Event::HeadExport { target: "file /heads".into(), error: None, failures: 0 },
        Event::HeadExport { target: "file /heads".into(), error: Some("no space".into()), failures: 2 },
    ];
    samples.extend(Share::ALL.map(suspended));
    for (moved_to, error) in [(Some("/state/torn"), None), (None, Some("no space")), (None, None)] {
        let (moved_to, error) = (moved_to.map(str::to_owned), error.map(str::to_owned));
        samples.push(Event::TornTail {
            segment: "1".into(),
            offset: 9,
            bytes: Bytes::new(1),
            sequence: 2,
            moved_to,
            error,
        });
    }
    for result in [
        EvaluationResult::Observed { healthy: 1, unhealthy: 2, unknown: 3, gone: 4 },
        EvaluationResult::Proposed { steps: 1 },
        EvaluationResult::Failed("could not tell: no answer".into()),
        EvaluationResult::Aborted("out of fuel".into()),
    ] {
        samples.push(Event::Evaluated {
            instance: name.clone(),
            component: "ab".into(),
            phase: Phase::Plan,
            trigger: "schedule".into(),
            result,
            kind: Some(ErrorKind::Fuel),
            recording: Some(RecordingRef { id: "r".into(), sha256: "ab".into() }),
            usage: Usage::default(),
            late_ms: 0,
            unrecorded: 0,
        });
    }
    for why in [EvidenceDrop::Room, EvidenceDrop::Closed, EvidenceDrop::Retention, EvidenceDrop::Unrecorded] {
        samples.push(Event::EvidenceDropped { ids: vec!["i".into()], why });
    }
    for change in [
        Change::Opened,
        Change::Changed,
        Change::Unchanged,
        Change::BecameUnknown,
        Change::Closed,
        Change::Gone,
        Change::Displaced,
    ] {
        samples.push(Event::Incident {
            incident: "one/k/1".into(),
            instance: name.clone(),
            key: "k".into(),
            change,
            severity: Some(Severity::Emergency),
            summary: "93 % full".into(),
            held_under: None,
            silenced: false,
        });
    }
    let under = HeldUnder {
        incident: "two/d/1".into(),
        instance: InstanceName::from_static("two"),
        key: "d".into(),
        cause: Subject::new("disk", "sda"),
    };
    samples.push(Event::Held {
        incident: "one/k/1".into(),
        instance: name.clone(),
        key: "k".into(),
        under,
        severity: Some(Severity::Critical),
        summary: "93 % full".into(),
    });
    let reasons = NotHeld::ALL.map(Some).into_iter().chain([None]);
    for (why, was_under) in reasons.flat_map(|why| [(why, None), (why, Some("two/d/1".to_owned()))]) {
        samples.push(Event::NotHeld {
            incident: "one/k/1".into(),
            instance: name.clone(),
            key: "k".into(),
            was_under,
            why,
            severity: Some(Severity::Critical),
            summary: "93 % full".into(),
        });
    }
    for decision in [
        Decision::Apply(OnFailure::Stop),
        Decision::ApplyThenReplan(OnFailure::UndoApplied),
        Decision::Wait("it clears".into()),
        Decision::Recommend(vec![recommendation()]),
        Decision::GiveUp("nothing eligible".into()),
    ] {
        let preview = Preview { items: 2, frees_now_bytes: 1, ..Preview::nothing(Subject::new("filesystem", "/")) };
        let step = PlannedStep {
            action: "ansai:files/files-actions.remove".into(),
            reason: "full".into(),
            preview,
            may_fail: true,
            effectiveness: None,
            undo_until: Some(Timestamp::from_millis(1)),
            names: [].into(),
        };
        samples.push(Event::Planned {
            plan: plan.clone(),
            incident: incident(),
            instance: name.clone(),
            decision,
            steps: vec![step],
            recommendations: vec![recommendation()],
            distance: Some(0.5),
        });
    }
    for verdict in [
        Verdict::Approved,
        Verdict::Observed,
        Verdict::NothingToDo,
        Verdict::Held(Permission::Granted),
        Verdict::Held(Permission::Cooling(Timestamp::from_millis(1))),
        Verdict::Held(Permission::Exhausted(3)),
        Verdict::Held(Permission::Flapping { times: 3, within: Millis::from_hours(1) }),
        Verdict::Held(Permission::Futile(Timestamp::from_millis(1))),
        Verdict::Held(Permission::ClockInDoubt(315_360_000_000)),
        Verdict::Held(Permission::OverBudget(Box::new(budget_of_files()))),
        Verdict::Held(Permission::Paused(Box::new(Pause { instance: None, order: order() }))),
        Verdict::Held(Permission::AwaitsApproval { plan: plan.clone(), until: Timestamp::from_millis(1) }),
        Verdict::Held(Permission::Announced { plan: plan.clone(), until: Timestamp::from_millis(1) }),
        Verdict::Held(Permission::Rejected { plan: plan.clone(), until: Timestamp::from_millis(1) }),
        Verdict::Held(Permission::OutsideWindow(Timestamp::from_millis(1))),
        Verdict::Held(Permission::Storm(Box::new(storm(StormCause::Incidents, StormPhase::Stopped)))),
        Verdict::Held(Permission::Storm(Box::new(storm(StormCause::Incidents, StormPhase::Trial)))),
        Verdict::Held(Permission::Fight(Box::new(fight()))),
        Verdict::Refused("not granted".into()),
    ] {
        samples.push(Event::Decided { plan: plan.clone(), instance: name.clone(), verdict, attempt: Some(1) });
    }
    for reason in [
        Reason::Attempts { used: 2 },
        Reason::TimeOut { within: Millis::from_hours(1) },
        Reason::NothingToDo,
        Reason::Flapping { times: 3, within: Millis::from_hours(1) },
    ] {
        let (incident, instance, key) = ("one/k/1".to_owned(), name.clone(), "k".to_owned());
        samples.push(Event::Stage {
            incident: incident.clone(),
            instance: instance.clone(),
            key: key.clone(),
            from: "clean".into(),
            to: "person".into(),
            reason: reason.clone(),
        });
        let step = TriedStep {
            action: "ansai:files/files-actions.remove".into(),
            about: "filesystem /var".into(),
            outcome: Outcome::Failed,
            detail: "no \u{1b}[31mspace".into(),
        };
        let tried = Tried {
            number: 1,
            stage: "clean".into(),
            at: Timestamp::from_millis(1),
            steps: vec![step],
            verified: Status::Unhealthy(Severity::Critical),
            progress: Some(Progress::Unchanged),
        };
        samples.push(Event::Escalated {
            incident,
            instance,
            key,
            severity: Some(Severity::Critical),
            summary: "full".into(),
            reason,
            attempts: 2,
            evidence: vec![Measure::count("used", 1, Unit::Bytes)],
            tried: vec![tried],
        });
    }
    samples.push(Event::Retried {
        incident: "one/k/1".into(),
        instance: name.clone(),
        key: "k".into(),
        by: order().by,
    });
    for decision in [ApprovalDecision::Approved, ApprovalDecision::Rejected] {
        samples.push(Event::Approval {
            plan: plan.clone(),
            incident: "one/k/1".into(),
            instance: name.clone(),
            plan_sha256: "ab".into(),
            decision,
            by: order().by,
            reason: Some("agreed".into()),
            until: Timestamp::from_millis(1),
        });
    }
    samples.push(Event::ApprovalEnded {
        plan: plan.clone(),
        incident: "one/k/1".into(),
        instance: name.clone(),
        why: ApprovalEnd::Targets(0),
    });
    for status in statuses() {
        samples.push(Event::Verified {
            plan: plan.clone(),
            incident: "one/k/1".into(),
            instance: name.clone(),
            status,
            distance: None,
            progress: Some(Progress::Improved),
            evaluations: 3,
        });
    }
    for reason in [
        SkipReason::EarlierStepFailed,
        SkipReason::EarlierStepRuns,
        SkipReason::Stopping,
        SkipReason::Paused,
        SkipReason::WindowClosed,
    ] {
        samples.push(Event::Skipped { plan: plan.clone(), step: 1, instance: name.clone(), reason });
    }
    for outcome in OUTCOMES {
        let (plan, instance, step) = (plan.clone(), name.clone(), 0);
        let reason = Refusal::Denied("not granted".into());
        let detail = reason.to_string();
        samples.push(Event::Outcome {
            plan: plan.clone(),
            step,
            instance: instance.clone(),
            outcome,
            reason: Some(reason),
            detail: detail.clone(),
            measures: vec![Measure::text("file-system", "ext4")],
            items_sha256: None,
            evidence: vec![EvidenceRef {
                id: "i".into(),
                name: "last lines".into(),
                bytes: Bytes::new(3),
                sha256: "ab".into(),
            }],
            after_crash: true,
        });
        let by = "the host".to_owned();
        samples.push(Event::Undone {
            plan: plan.clone(),
            step,
            instance: instance.clone(),
            outcome,
            detail: detail.clone(),
            by: by.clone(),
        });
        samples.push(Event::AfterUndo { plan, step, instance, outcome, detail, by });
    }
    samples
}

fn recommendation() -> Recommendation {
    let about = Some(Subject::new("table", "main/public.orders"));
    Recommendation { about, summary: "grow it".into(), detail: "".into(), measures: vec![] }
}

/// The words of an enum in JSON, as serde lists them when it meets another.
fn words<T: DeserializeOwned>(unknown: Value) -> BTreeSet<String> {
    let Err(error) = serde_json::from_value::<T>(unknown) else { unreachable!("`?` is no word") };
    let text = error.to_string();
    let listed = text.split_once("expected").unwrap().1;
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The words that the samples have at one place.
fn used(samples: &[Value], place: &str) -> BTreeSet<String> {
    let word = |value: &Value| match value {
        Value::String(word) => word.clone(),
        value => value.as_object().unwrap().keys().next().unwrap().clone(),
    };
    samples.iter().filter_map(|event| event.pointer(place)).map(word).collect()
}

/// A kind that is new in an enum is missing here until there is a sample of it.
#[test]
fn there_is_a_sample_of_every_kind() {
    let samples: Vec<Value> = samples().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    assert_eq!(used(&samples, "/event"), words::<Event>(json!({"event": "?"})));
    assert_eq!(used(&samples, "/result"), words::<EvaluationResult>(json!("?")));
    assert_eq!(used(&samples, "/change"), words::<Change>(json!("?")));
    let (of_people, of_policies): (Vec<Value>, Vec<Value>) =
        samples.iter().cloned().partition(|event| event["event"] == "approval");
    assert_eq!(used(&of_people, "/decision"), words::<ApprovalDecision>(json!("?")));
    assert_eq!(used(&of_policies, "/decision"), words::<Decision>(json!("?")));
    assert_eq!(used(&samples, "/verdict"), words::<Verdict>(json!("?")));
    assert_eq!(used(&samples, "/verdict/held"), words::<Permission>(json!("?")));
    assert_eq!(used(&samples, "/status"), words::<Status>(json!("?")));
    assert_eq!(used(&samples, "/outcome"), words::<Outcome>(json!("?")));
    let skipped: Vec<Value> = samples.iter().filter(|event| event["event"] == "skipped").cloned().collect();
    assert_eq!(used(&skipped, "/reason"), words::<SkipReason>(json!("?")));
}

/// Would break: a new event of an incident that the journal and lists do not find by it.
#[test]
fn the_incident_that_an_event_names_is_found() {
    for event in samples() {
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(event.incident(), json["incident"].as_str(), "{json}");
    }
}

#[test]
fn a_recommendation_names_what_to_change() {
    let named = "recommends for table main/public.orders: grow it";
    assert!(samples().iter().any(|event| line(event).contains(named)));
}

/// The samples have no capitals, so each word with one is the name of a variant.
#[test]
fn no_line_shows_what_only_programmers_read() {
    for event in samples() {
        let line = line(&event);
        let has_capital = line
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| word.starts_with(|c: char| c.is_uppercase()) && word.contains(|c: char| c.is_lowercase()));
        assert!(!has_capital && !is_debug_text(&line), "{line}");
        assert!(!line.contains(" null") && !line.contains("None"), "{line}");
    }
}

fn storm(why: StormCause, phase: StormPhase) -> Storm {
    let ten_minutes = ansai_core::Millis::new(600_000);
    Storm { phase, why, count: 31, within: ten_minutes, since: Timestamp::from_millis(1), quiet: ten_minutes }
}

fn fight() -> Fight {
    let instances = (InstanceName::from_static("one"), InstanceName::from_static("two"));
    let (about, within) = (Subject::new("file", "/a"), ansai_core::Millis::from_hours(1));
    Fight { instances, about, turns: 3, within, since: Timestamp::from_millis(1) }
}

fn budget_of_files() -> ansai_core::OverBudget {
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
