//! Plans, what is decided on them, and who approves them.

use ansai_core::event::{ApprovalDecision, ApprovalEnd, PlannedStep, Verdict};
use ansai_core::incident::Permission;
use ansai_core::order::Pause;
use ansai_core::storm::{StormCause, StormPhase};
use ansai_core::{Decision, Event, InstanceName, Millis, OnFailure, Preview, Subject, Timestamp};

use super::values::{budget_of_files, fight, incident, order, recommendation, storm};

/// With every part that has kinds of its own.
pub(super) fn samples() -> Vec<Event> {
    let name = InstanceName::from_static("one");
    let plan = String::from("p1");
    let mut samples = Vec::new();
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
    samples
}
