//! Steps, from the intent to the undo.

use ansai_core::event::{EvidenceRef, Intent, SkipReason, UndoIntent};
use ansai_core::{Bytes, Event, InstanceName, Measure, Refusal, Subject, Timestamp};
use serde_json::json;

use super::values::OUTCOMES;

/// With every part that has kinds of its own.
pub(super) fn samples() -> Vec<Event> {
    let name = InstanceName::from_static("one");
    let plan = String::from("p1");
    let mut samples = vec![
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
    ];
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
