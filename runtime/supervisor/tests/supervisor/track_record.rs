//! What actions achieved, counted over real plans: healed, undone, rejected, and what people say about closed incidents.

use std::sync::Arc;

use ansai_core::control::{NewDecision, NewFeedback};
use ansai_core::event::{ApprovalDecision, Verdict};
use ansai_core::incident::Permission;
use ansai_core::maintenance::Maintenance;
use ansai_core::order::Person;
use ansai_core::promotion::{Achieved, Judgement};
use ansai_core::{Event, Mode, OnFailure, Timestamp};
use ansai_supervisor::{FeedbackError, Instance, PlanReport, Supervisor};

use crate::ladder_killed::closed;
use crate::scene::{ONE, Scene, fixed};
use crate::script::{Script, Step};

fn alice() -> Person {
    Person { uid: 4_711, name: Some("alice".into()) }
}

/// The record of the one action.
fn achieved(supervisor: &Supervisor) -> Achieved {
    let records = supervisor.action_records().unwrap();
    assert!(records.len() <= 1, "{records:?}");
    records.into_iter().next().map(|one| one.achieved).unwrap_or_default()
}

async fn pass(supervisor: &Supervisor) -> Vec<PlanReport> {
    let reports = supervisor.run_once().await;
    reports.into_iter().flat_map(|report| report.findings).flat_map(|finding| finding.plans).collect()
}

/// The id of the incident of the latest plan.
fn incident(events: &[Event]) -> String {
    let of = |event: &Event| match event {
        Event::Planned { incident, .. } => incident.clone(),
        _ => None,
    };
    events.iter().rev().find_map(of).unwrap()
}

/// A plan that marks a file, after which the finding is healthy.
fn healing(scene: &Scene) {
    let healed = scene.path("healed");
    scene.script(&Script::sick(vec![Step::mark(&healed)], OnFailure::Stop).healthy_once(healed));
}

#[tokio::test]
async fn what_healed_and_was_undone_is_on_record_across_restarts() {
    let scene = Scene::new();
    healing(&scene);
    let supervisor = scene.open();
    let [plan] = &pass(&supervisor).await[..] else { panic!("one plan") };
    assert!(plan.steps.iter().all(|step| step.planned.effectiveness.is_none()), "it was never tried");
    let once = Achieved { proposed: 1, applied: 1, verified: 1, healed: 1, ..Achieved::default() };
    let of = |supervisor: &Supervisor| Achieved { since: None, ..achieved(supervisor) };
    assert_eq!(of(&supervisor), once);
    drop(supervisor);
    let supervisor = scene.open();
    assert_eq!(of(&supervisor), once);
    supervisor.undo(&plan.plan, None, "a person").unwrap();
    assert_eq!(of(&supervisor), Achieved { undone: 1, ..once.clone() });
    drop(supervisor);

    // The next plan tells a person what the action achieved.
    let supervisor = scene.open();
    let [next] = &pass(&supervisor).await[..] else { panic!("one plan") };
    let found = next.steps[0].planned.effectiveness.unwrap();
    assert_eq!(found.to_string(), "helped 1 of 1 time in 90 days");
    assert_eq!((achieved(&supervisor).proposed, achieved(&supervisor).healed), (2, 2));
    drop(supervisor);
    scene.finish().await;
}

/// In observe mode nothing is applied, and one incident counts once, however often it is planned.
#[tokio::test]
async fn what_is_only_observed_or_rejected_did_not_help() {
    let scene = Scene::new();
    healing(&scene);
    for _ in 0..2 {
        let supervisor = scene.open_with(fixed(Mode::Observe)).unwrap();
        pass(&supervisor).await;
        assert_eq!(Achieved { since: None, ..achieved(&supervisor) }, Achieved { proposed: 1, ..Achieved::default() });
    }
    let supervisor = scene.open_with(fixed(Mode::Approve)).unwrap();
    let plan = pass(&supervisor).await.pop().unwrap().plan;
    let decision = |decision, reason: &str| NewDecision { plan: plan.clone(), decision, reason: Some(reason.into()) };
    supervisor.decide(&decision(ApprovalDecision::Approved, "go"), &alice()).unwrap();
    supervisor.decide(&decision(ApprovalDecision::Rejected, "no"), &alice()).unwrap();
    let expected = Achieved { proposed: 1, approved: 1, rejected: 1, ..Achieved::default() };
    assert_eq!(Achieved { since: None, ..achieved(&supervisor) }, expected);
    drop(supervisor);
    scene.finish().await;
}

/// Would break: what a person approved outside a window never counts, although it heals once the window is open.
#[tokio::test]
async fn an_approved_plan_that_waits_for_its_window_is_on_record() {
    let scene = Scene::new();
    healing(&scene);
    let outside = || {
        let maintenance = Maintenance { windows: vec![closed().parse().unwrap()], emergency_passes: false };
        let instance = Instance { maintenance: Arc::new(maintenance), ..scene.instance(ONE) };
        scene.open_all(fixed(Mode::Approve), vec![instance]).unwrap()
    };
    let supervisor = outside();
    let plan = pass(&supervisor).await.pop().unwrap().plan;
    let approved = NewDecision { plan, decision: ApprovalDecision::Approved, reason: Some("go".into()) };
    supervisor.decide(&approved, &alice()).unwrap();
    let held = pass(&supervisor).await.pop().unwrap();
    assert!(matches!(held.verdict, Some(Verdict::Held(Permission::OutsideWindow(_)))), "{held:?}");
    let waiting = Achieved { proposed: 1, approved: 1, ..Achieved::default() };
    assert_eq!(Achieved { since: None, ..achieved(&supervisor) }, waiting);
    drop(supervisor);
    let supervisor = scene.open_with(fixed(Mode::Approve)).unwrap();
    pass(&supervisor).await;
    assert_eq!(
        Achieved { since: None, ..achieved(&supervisor) },
        Achieved { applied: 1, verified: 1, healed: 1, ..waiting }
    );
    drop(supervisor);
    scene.finish().await;
}

#[tokio::test]
async fn a_closed_incident_is_judged_and_the_log_says_by_whom() {
    let scene = Scene::new();
    healing(&scene);
    let supervisor = scene.open();
    pass(&supervisor).await;
    let incident = incident(&scene.events());
    let judge = |incident: &str, judgement, note: Option<&str>| {
        let new = NewFeedback { incident: incident.into(), judgement, note: note.map(str::to_owned) };
        supervisor.judge(&new, &alice())
    };
    let feedback = judge(&incident, Judgement::FalseAlarm, Some(" planned\n\u{1b}[31mwork ")).unwrap();
    assert_eq!(feedback.by, alice());
    assert!(feedback.note.as_ref().is_some_and(|note| !note.contains(['\n', '\u{1b}'])), "{feedback:?}");
    assert!(scene.events().contains(&Event::Feedback(feedback.clone())));
    assert_eq!(achieved(&supervisor).false_alarms, 1);
    judge(&incident, Judgement::Helpful, None).unwrap();
    assert_eq!((achieved(&supervisor).false_alarms, achieved(&supervisor).helpful), (0, 1));
    let counts = supervisor.feedback_counts(None, Timestamp::EPOCH).unwrap();
    assert_eq!((counts.false_alarms, counts.helpful), (0, 1));
    assert_eq!(supervisor.feedback(&incident).unwrap().unwrap().judgement, Judgement::Helpful);

    let without_time = incident.rsplit_once('/').unwrap().0.to_owned();
    match judge(&without_time, Judgement::Helpful, None) {
        Err(FeedbackError::Unknown { near, .. }) => assert_eq!(near, std::slice::from_ref(&incident)),
        other => panic!("{other:?}"),
    }
    assert!(matches!(judge(&incident, Judgement::Helpful, Some(&"x".repeat(1_001))), Err(FeedbackError::Note)));
    assert!(matches!(judge("", Judgement::Helpful, None), Err(FeedbackError::Unknown { .. })));
    drop(supervisor);
    scene.finish().await;
}
