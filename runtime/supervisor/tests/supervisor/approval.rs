//! Plans that wait for a person: what an approval permits, and everything that it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ansai_core::approval::{Approval, ApprovalState};
use ansai_core::control::NewDecision;
use ansai_core::event::{ApprovalDecision, ApprovalEnd, Verdict};
use ansai_core::incident::{FlapLimit, Permission};
use ansai_core::order::Person;
use ansai_core::{
    Decision, Event, InstanceName, Millis, Mode, Observation, OnFailure, Outcome, RetryPolicy, Severity, Status,
};
use ansai_supervisor::approvals::{ApprovalError, approvals};
use ansai_supervisor::authority::{Authority, EffectiveGrants};
use ansai_supervisor::{Instance, PlanReport, Supervisor};

use crate::killed;
use crate::scene::{ONE, Scene, all_grants, eventually, fixed, grants_without_actions};
use crate::script::{Call, Script, Step, observation};
use crate::slow_actions;

fn marking(scene: &Scene, name: &str) -> Script {
    Script::sick(vec![Step::mark(scene.path(name))], OnFailure::Stop)
}

fn request(plan: &str, decision: ApprovalDecision) -> NewDecision {
    NewDecision { plan: plan.to_owned(), decision, reason: Some("a test".into()) }
}

fn alice() -> Person {
    Person { uid: 4_711, name: Some("alice".into()) }
}

fn decide(scene: &Scene, plan: &str, decision: ApprovalDecision) -> Result<Approval, ApprovalError> {
    scene.open_with(fixed(Mode::Approve)).unwrap().decide(&request(plan, decision), &alice())
}

fn approve(scene: &Scene, plan: &str) {
    assert_eq!(decide(scene, plan, ApprovalDecision::Approved).unwrap().state, ApprovalState::Approved);
}

async fn plans_of(supervisor: Supervisor) -> Vec<PlanReport> {
    let reports = supervisor.run_once().await;
    reports.into_iter().flat_map(|report| report.findings).flat_map(|finding| finding.plans).collect()
}

/// One pass; the last plan of the finding.
async fn pass_of(supervisor: Supervisor) -> PlanReport {
    plans_of(supervisor).await.pop().expect("a plan")
}

async fn pass(scene: &Scene) -> PlanReport {
    pass_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await
}

fn waits(plan: &PlanReport) -> bool {
    matches!(&plan.verdict, Some(Verdict::Held(Permission::AwaitsApproval { plan: id, .. })) if *id == plan.plan)
}

fn known(scene: &Scene) -> Vec<Approval> {
    approvals(&scene.state_dir().join("state.db")).unwrap()
}

/// Why approvals ended, oldest first.
fn ends(scene: &Scene) -> Vec<ApprovalEnd> {
    let end = |event| match event {
        Event::ApprovalEnded { why, .. } => Some(why),
        _ => None,
    };
    scene.events().into_iter().filter_map(end).collect()
}

fn change_state(scene: &Scene, statement: &str) {
    let database = rusqlite::Connection::open(scene.state_dir().join("state.db")).unwrap();
    assert_eq!(database.execute(statement, []).unwrap(), 1);
}

/// A plan waits, and the approval ends when the next pass looks again: nothing is applied, and another plan waits.
async fn ends_with(scene: Scene, why: ApprovalEnd, authority: impl Authority + 'static, instance: Instance) {
    let last = pass_of(scene.open_all(authority, vec![instance]).unwrap()).await;
    assert_eq!((ends(&scene), scene.intents()), (vec![why], vec![]));
    let plans = known(&scene);
    assert_eq!(plans.last().unwrap().state, ApprovalState::Ended);
    if plans.len() > 1 {
        assert!(waits(&last) && plans[0].state == ApprovalState::Open && plans[0].plan == last.plan, "{last:?}");
    }
    scene.finish().await;
}

/// A scene with an approved plan for `a`.
async fn approved() -> (Scene, String) {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    approve(&scene, &plan);
    (scene, plan)
}

#[tokio::test]
async fn a_plan_waits_and_an_approval_applies_it_once() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let first = pass(&scene).await;
    assert!(waits(&first), "{:?}", first.verdict);
    let again = pass(&scene).await;
    assert!(waits(&again) && again.plan == first.plan, "it waits under one name");
    let told = scene.events().iter().filter(|event| matches!(event, Event::Decided { .. })).count();
    assert_eq!((told, scene.intents()), (1, vec![]), "told once, and nothing begins");

    approve(&scene, &first.plan);
    let applied = pass(&scene).await;
    assert_eq!((&applied.plan, &applied.verdict), (&first.plan, &Some(Verdict::Approved)));
    assert_eq!((scene.outcomes(), scene.text("history")), (vec![(0, Outcome::Done)], "mark a\n".into()));
    assert_eq!(known(&scene)[0].state, ApprovalState::Begun);

    // It is still sick: the approval is used up.
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != first.plan);
    let replayed = decide(&scene, &first.plan, ApprovalDecision::Approved).unwrap_err();
    assert!(matches!(replayed, ApprovalError::NotOpen { .. }), "{replayed}");
    assert_eq!(scene.outcomes().len(), 1);
    let by = scene.events().into_iter().find_map(|event| match event {
        Event::Approval { by, plan_sha256, reason, .. } => Some((by, plan_sha256.len(), reason)),
        _ => None,
    });
    assert_eq!(by, Some((alice(), 64, Some("a test".into()))));
    scene.finish().await;
}

#[tokio::test]
async fn an_old_copy_of_the_state_uses_no_approval_twice() {
    let (scene, plan) = approved().await;
    let copy = std::fs::read(scene.state_dir().join("state.db")).unwrap();
    assert_eq!(pass(&scene).await.plan, plan);
    std::fs::write(scene.state_dir().join("state.db"), copy).unwrap();
    let _ = std::fs::remove_file(scene.state_dir().join("state.db-wal"));
    assert_eq!(known(&scene)[0].state, ApprovalState::Approved);
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != plan, "{next:?}");
    assert_eq!((ends(&scene), scene.outcomes().len()), (vec![ApprovalEnd::Begun], 1));
    scene.finish().await;
}

#[tokio::test]
async fn a_row_without_a_record_approves_nothing() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    pass(&scene).await;
    change_state(&scene, "UPDATE approval SET state = 'approved', value = json_set(value, '$.state', 'approved')");
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::NotRecorded, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn a_crash_between_approval_and_intent_needs_a_new_approval() {
    let (scene, plan) = approved().await;
    // As if the process had died just before the plan began.
    change_state(&scene, "UPDATE approval SET state = 'begun', value = json_set(value, '$.state', 'begun')");
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != plan, "{next:?}");
    assert!(scene.intents().is_empty());
    scene.finish().await;
}

#[test]
#[ignore = "not a test: what the tests beside it run as a process of their own"]
fn the_process_that_is_killed() {
    let Some(place) = killed::place() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { pass(&Scene::at(&place)).await });
}

#[tokio::test]
async fn a_kill_after_the_intent_applies_nothing_twice() {
    let scene = Scene::new();
    let step = Step::new(Call::Mark, 600_000, 0, scene.path("a"));
    scene.script(&Script::sick(vec![step], OnFailure::Stop));
    let plan = pass(&scene).await.plan;
    approve(&scene, &plan);
    let killed = killed::start("approval::the_process_that_is_killed", &scene);
    eventually(|| (scene.text("history") == "mark a\n").then_some(())).await;
    drop(killed);
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != plan);
    assert_eq!((scene.outcomes(), scene.text("history")), (vec![(0, Outcome::Done)], "mark a\n".into()));
    scene.finish().await;
}

#[tokio::test]
async fn what_is_over_cannot_be_approved() {
    let mut scene = Scene::new();
    scene.approval_expires = Millis::ZERO;
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    let expired = decide(&scene, &plan, ApprovalDecision::Approved).unwrap_err().to_string();
    assert!(expired.contains("expired"), "{expired}");
    let unknown = decide(&scene, "20260101t000000-000-0000", ApprovalDecision::Approved).unwrap_err();
    assert!(matches!(unknown, ApprovalError::Unknown(_)));
    assert_eq!((ends(&scene), scene.intents()), (vec![ApprovalEnd::Expired], vec![]));
    scene.finish().await;
}

#[tokio::test]
async fn an_approval_expires() {
    let (scene, _) = approved().await;
    change_state(&scene, "UPDATE approval SET value = json_set(value, '$.until', 1)");
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::Expired, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn an_altered_plan_is_neither_approved_nor_applied() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    let file = scene.state_dir().join(format!("plans/{plan}.plan.zst"));
    let original = std::fs::read(&file).unwrap();
    let text = String::from_utf8(zstd::decode_all(original.as_slice()).unwrap()).unwrap();
    let other = zstd::encode_all(text.replace("/a\"", "/b\"").as_bytes(), 3).unwrap();
    std::fs::write(&file, &other).unwrap();
    let refused = decide(&scene, &plan, ApprovalDecision::Approved).unwrap_err();
    assert!(matches!(refused, ApprovalError::Altered(_)), "{refused}");
    std::fs::write(&file, original).unwrap();
    approve(&scene, &plan);
    std::fs::write(&file, other).unwrap();
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::PlanFile, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn other_targets_need_another_approval() {
    let (scene, _) = approved().await;
    scene.script(&marking(&scene, "b"));
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::Steps, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn other_arguments_need_another_approval_and_another_reason_does_not() {
    let (scene, _) = approved().await;
    scene.script(&Script::sick(vec![Step::new(Call::Mark, 1, 0, scene.path("a"))], OnFailure::Stop));
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::Arguments(0), fixed(Mode::Approve), one).await;

    let (scene, plan) = approved().await;
    scene.script(&Script::sick(vec![Step::mark(scene.path("a")).because("92 % full".into())], OnFailure::Stop));
    assert_eq!(pass(&scene).await.plan, plan);
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);
    scene.finish().await;
}

#[tokio::test]
async fn another_decision_ends_an_approval() {
    let (scene, _) = approved().await;
    let script = Script { decision: Decision::Apply(OnFailure::UndoApplied), ..marking(&scene, "a") };
    scene.script(&script);
    let one = scene.instance(ONE);
    ends_with(scene, ApprovalEnd::Decision, fixed(Mode::Approve), one).await;
}

#[tokio::test]
async fn other_settings_end_an_approval() {
    let (scene, _) = approved().await;
    let mut one = scene.instance(ONE);
    let mut settings = (*one.settings).clone();
    settings["more"] = 1.into();
    one.settings = Arc::new(settings);
    ends_with(scene, ApprovalEnd::Settings, fixed(Mode::Approve), one).await;
}

/// Would break: a plan that waits for ever, because its incident came back too often meanwhile.
#[tokio::test]
async fn an_approval_ends_also_after_its_incident_came_back_too_often() {
    let mut scene = Scene::new();
    scene.retry_policy.clear_for = Millis::from_hours(1);
    scene.retry_policy.flaps.most = 2;
    let marked = scene.path("marked");
    scene.script(&marking(&scene, "marked").healthy_once(marked.clone()));
    scene.open().run_once().await;
    std::fs::remove_file(&marked).unwrap();
    assert!(waits(&pass(&scene).await), "it came back once");
    std::fs::write(&marked, "").unwrap();
    scene.open_with(fixed(Mode::Approve)).unwrap().run_once().await;
    std::fs::remove_file(&marked).unwrap();

    // It comes back too often while the daemon runs, with other settings.
    let mut one = Instance { every: Millis::new(50), ..scene.instance(ONE) };
    let mut settings = (*one.settings).clone();
    settings["more"] = 1.into();
    one.settings = Arc::new(settings);
    let supervisor = scene.open_all(fixed(Mode::Approve), vec![one]).unwrap();
    let running = tokio::spawn({
        let supervisor = supervisor.clone();
        async move { supervisor.run().await }
    });
    eventually(|| (!ends(&scene).is_empty()).then_some(())).await;
    supervisor.stop("a test");
    running.await.unwrap();
    assert_eq!(ends(&scene), [ApprovalEnd::Settings]);
    assert!(scene.events().iter().any(|event| matches!(event, Event::Escalated { .. })));
    assert_eq!(scene.text("history"), "mark marked\n");
    drop(supervisor);
    scene.finish().await;
}

/// Grants that do not change.
struct Granted(EffectiveGrants);

impl Authority for Granted {
    fn effective_grants(&self, _: &InstanceName) -> Result<EffectiveGrants, String> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn a_grant_that_is_withdrawn_ends_an_approval() {
    let (scene, _) = approved().await;
    let one = scene.instance(ONE);
    let grants = EffectiveGrants { mode: Mode::Approve, ..grants_without_actions() };
    let supervisor = scene.open_all(Granted(grants), vec![one]).unwrap();
    supervisor.run_once().await;
    drop(supervisor);
    assert_eq!((ends(&scene), scene.intents()), (vec![ApprovalEnd::Grants], vec![]));
    scene.finish().await;
}

#[tokio::test]
async fn observe_mode_never_applies_an_approved_plan() {
    let (scene, plan) = approved().await;
    for _ in 0..2 {
        let observed = pass_of(scene.open_with(fixed(Mode::Observe)).unwrap()).await;
        assert_eq!(observed.verdict, Some(Verdict::Observed));
    }
    assert_eq!((scene.intents(), known(&scene)[0].state), (vec![], ApprovalState::Approved));
    assert_eq!(pass(&scene).await.plan, plan, "it counts again with the mode");
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);
    scene.finish().await;
}

#[tokio::test]
async fn in_enforce_mode_a_marked_table_needs_approval() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let marked = || {
        let tables = BTreeMap::from([(slow_actions::NAME, BTreeSet::from([1]))]);
        Granted(EffectiveGrants { approve: Arc::new(tables), ..all_grants(Mode::Enforce) })
    };
    let open = || scene.open_with(marked()).unwrap();
    let plan = pass_of(open()).await;
    assert!(waits(&plan), "{:?}", plan.verdict);
    open().decide(&request(&plan.plan, ApprovalDecision::Approved), &alice()).unwrap();
    assert_eq!(pass_of(open()).await.plan, plan.plan);
    assert_eq!(scene.outcomes(), [(0, Outcome::Done)]);

    // The operator needs no approval any more, while a plan waits.
    assert!(waits(&pass_of(open()).await));
    let enforced = pass_of(scene.open()).await;
    assert_eq!(enforced.verdict, Some(Verdict::Approved));
    assert_eq!(ends(&scene), [ApprovalEnd::Grants]);
    scene.finish().await;
}

/// Enforce mode until the executor asks.
struct AsksLater(AtomicU32);

impl Authority for AsksLater {
    fn effective_grants(&self, _: &InstanceName) -> Result<EffectiveGrants, String> {
        // On opening, at the start of the pass, and then before the first step.
        let mode = if self.0.fetch_add(1, Ordering::SeqCst) < 2 { Mode::Enforce } else { Mode::Approve };
        Ok(all_grants(mode))
    }
}

#[tokio::test]
async fn what_the_host_approved_is_refused_once_a_person_is_needed() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass_of(scene.open_with(AsksLater(AtomicU32::new(0))).unwrap()).await;
    assert_eq!(plan.steps[0].outcome, Some(Outcome::Refused));
    assert!(plan.steps[0].detail.contains("needs the approval of a person"), "{}", plan.steps[0].detail);
    assert_eq!((scene.intents(), scene.text("history")), (vec![], String::new()));
    scene.finish().await;
}

#[tokio::test]
async fn a_rejection_holds_the_incident_until_it_gets_worse() {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), ..RetryPolicy::default() };
    let sick = |severity| {
        let finding: Observation = observation(Status::Unhealthy(severity));
        marking(&scene, "a").saying(Ok(vec![finding]))
    };
    scene.script(&sick(Severity::Warning));
    let plan = pass(&scene).await.plan;
    decide(&scene, &plan, ApprovalDecision::Rejected).unwrap();
    let twice = decide(&scene, &plan, ApprovalDecision::Approved).unwrap_err().to_string();
    assert!(twice.contains("already rejected by alice (uid 4711)"), "{twice}");
    for _ in 0..2 {
        let held = pass(&scene).await;
        assert!(matches!(held.verdict, Some(Verdict::Held(Permission::Rejected { .. }))), "{:?}", held.verdict);
    }
    scene.script(&sick(Severity::Emergency));
    let worse = pass(&scene).await;
    assert!(waits(&worse) && worse.plan != plan);
    assert!(scene.intents().is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn an_approval_can_be_taken_back() {
    let (scene, plan) = approved().await;
    assert_eq!(decide(&scene, &plan, ApprovalDecision::Rejected).unwrap().state, ApprovalState::Rejected);
    // Without a cooldown, the policy is asked again.
    let next = pass(&scene).await;
    assert!(waits(&next) && next.plan != plan);
    assert!(scene.intents().is_empty());
    scene.finish().await;
}

#[tokio::test]
async fn of_two_decisions_at_once_one_counts() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    let supervisor = scene.open_with(fixed(Mode::Approve)).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (supervisor, plan) = (supervisor.clone(), plan.clone());
            std::thread::spawn(move || supervisor.decide(&request(&plan, ApprovalDecision::Approved), &alice()).is_ok())
        })
        .collect();
    let counted = threads.into_iter().map(|thread| thread.join().unwrap()).filter(|counts| *counts).count();
    drop(supervisor);
    assert_eq!(counted, 1);
    assert_eq!(pass(&scene).await.plan, plan);
    assert_eq!(scene.outcomes().len(), 1);
    scene.finish().await;
}

#[tokio::test]
async fn what_heals_by_itself_needs_no_approval_any_more() {
    let (scene, plan) = approved().await;
    scene.script(&marking(&scene, "a").saying(Ok(vec![observation(Status::Healthy)])));
    let healed = plans_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await;
    assert!(healed.is_empty());
    let late = decide(&scene, &plan, ApprovalDecision::Rejected).unwrap_err().to_string();
    assert!(late.contains("the incident closed"), "{late}");
    assert_eq!((ends(&scene), scene.intents()), (vec![ApprovalEnd::IncidentClosed], vec![]));
    scene.finish().await;
}

#[tokio::test]
async fn each_stage_needs_its_own_approval_within_one_attempt() {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), max_attempts: 1, ..RetryPolicy::default() };
    let staged = |name: &str| Script {
        decision: Decision::ApplyThenReplan(OnFailure::Stop),
        ..marking(&scene, name).healthy_once(scene.path("b"))
    };
    scene.script(&staged("a"));
    let first = pass(&scene).await.plan;
    approve(&scene, &first);
    let plans = plans_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await;
    assert_eq!((plans.len(), &plans[0].plan), (2, &first));
    assert!(waits(&plans[1]), "{:?}", plans[1].verdict);
    assert_eq!(scene.text("history"), "mark a\n");

    scene.script(&staged("b"));
    let one = plans[1].plan.clone();
    approve(&scene, &one);
    // The policy proposes something else now.
    let second = pass(&scene).await;
    assert_eq!(ends(&scene), [ApprovalEnd::Steps]);
    assert!(matches!(second.verdict, Some(Verdict::Held(Permission::Exhausted(1)))), "{:?}", second.verdict);
    scene.finish().await;
}

#[tokio::test]
async fn an_approved_stage_waits_for_no_cooldown() {
    let mut scene = Scene::new();
    scene.retry_policy = RetryPolicy { cooldown: Millis::from_hours(1), max_attempts: 1, ..RetryPolicy::default() };
    scene.script(&Script { decision: Decision::ApplyThenReplan(OnFailure::Stop), ..marking(&scene, "a") });
    let first = pass(&scene).await.plan;
    approve(&scene, &first);
    let second = pass(&scene).await;
    assert!(waits(&second));
    // A mark is made once.
    std::fs::remove_file(scene.path("a")).unwrap();
    approve(&scene, &second.plan);
    pass(&scene).await;
    assert_eq!((scene.outcomes().len(), scene.text("history")), (2, "mark a\nmark a\n".into()));
    let attempts = scene.events().into_iter().filter_map(|event| match event {
        Event::Decided { verdict: Verdict::Approved, attempt, .. } => attempt,
        _ => None,
    });
    assert_eq!(attempts.collect::<Vec<_>>(), [1, 1]);
    scene.finish().await;
}

#[tokio::test]
async fn a_waiting_plan_has_nothing_to_undo() {
    let scene = Scene::new();
    scene.script(&marking(&scene, "a"));
    let plan = pass(&scene).await.plan;
    let undone = scene.open_with(fixed(Mode::Approve)).unwrap().undo(&plan, None, "a person").unwrap();
    assert_eq!((undone[0].outcome, undone[0].detail.as_str()), (None, "it was on hold, and not applied"));
    scene.finish().await;
}

/// Would break: a plan that a person approved, and that waits for `ansai retry` because its incident had come back before.
#[tokio::test]
async fn what_a_person_approves_is_applied_although_it_came_back() {
    let mut scene = Scene::new();
    let flaps = FlapLimit { most: 1, within: Millis::from_hours(1) };
    scene.retry_policy = RetryPolicy { clear_for: Millis::from_hours(1), flaps, ..scene.retry_policy.clone() };
    scene.script(&marking(&scene, "a"));
    let first = pass(&scene).await.plan;
    approve(&scene, &first);
    pass(&scene).await;
    let second = pass(&scene).await;
    assert!(waits(&second), "{:?}", second.verdict);
    // It is healthy for a moment by itself, and comes back.
    scene.script(&marking(&scene, "a").saying(Ok(vec![observation(Status::Healthy)])));
    plans_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await;
    scene.script(&marking(&scene, "a"));
    plans_of(scene.open_with(fixed(Mode::Approve)).unwrap()).await;
    let is_escalated = |event: &Event| matches!(event, Event::Escalated { .. });
    assert!(scene.events().iter().any(is_escalated), "it came back too often");
    // A mark is made once.
    std::fs::remove_file(scene.path("a")).unwrap();
    approve(&scene, &second.plan);
    let applied = pass(&scene).await;
    assert_eq!((&applied.plan, &applied.verdict), (&second.plan, &Some(Verdict::Approved)));
    // The next one needs a person again.
    let next = pass(&scene).await;
    assert!(matches!(next.verdict, Some(Verdict::Held(Permission::Flapping { .. }))), "{:?}", next.verdict);
    scene.finish().await;
}
